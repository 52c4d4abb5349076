// A DICOMweb portal whose tokens are issued by oauth2-mock-server and judged by jose, with keys asked of the issuer:
// node oauth-portal.mjs MODULES UPSTREAM TOKENFILE LOG. Prints "port N"; what it lets through goes to UPSTREAM (an
// address), with the token that one wants. A token lives for a minute of the portal's own clock, which runs on
// by two with every third object: so tokens run out midway, and nobody waits.
//	/fresh/…	a new token is in the file by then		/stale/…	it is not
// POST /token puts a new one there; POST /stranger one of another issuer; POST /forged one whose signature is not its own.
import { createRequire } from 'node:module';
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { webcrypto } from 'node:crypto';
import { pathToFileURL } from 'node:url';

globalThis.crypto ??= webcrypto;
const [modules, upstream, tokenFile, log] = process.argv.slice(2);
const { OAuth2Server } = createRequire(pathToFileURL(modules + '/x.js'))('oauth2-mock-server');
const jose = createRequire(pathToFileURL(modules + '/oauth2-mock-server/x.js'))('jose');
let clock = Math.floor(Date.now() / 1000), objects = 0;

const issuers = await Promise.all([0, 1].map(async () => {
	const server = new OAuth2Server();
	await server.issuer.keys.generate('RS256');
	await server.start(0, '127.0.0.1');
	server.service.on('beforeTokenSigning', token => {
		Object.assign(token.payload, { iat: clock, nbf: clock, exp: clock + 60 });
	});
	return server;
}));
const url = issuers[0].issuer.url;
const keys = jose.createRemoteJWKSet(new URL(url + '/jwks'));

const issue = async server => {
	const answer = await fetch(server.issuer.url + '/token', { method: 'POST',
		body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'dicomweb' }) });
	return (await answer.json()).access_token;
};
const store = token => {
	writeFileSync(tokenFile + '.new', token + '\n', { mode: 0o600 });
	renameSync(tokenFile + '.new', tokenFile);
};
const judge = async header => {
	try {
		await jose.jwtVerify((header ?? '').replace(/^Bearer /, ''), keys,
			{ issuer: url, currentDate: new Date(clock * 1000) });
		return '';
	} catch (e) {
		return e.code ?? 'ERR';
	}
};

const serve = async (request, response) => {
	if (request.method === 'POST') {
		const token = await issue(issuers[request.url === '/stranger' ? 1 : 0]);
		store(request.url === '/forged' ? token.slice(0, -6) + 'AAAAAA' : token);
		return response.writeHead(204).end();
	}
	const why = await judge(request.headers.authorization);
	if (why !== '') {
		appendFileSync(log, `401 ${why}\n`);
		return response.writeHead(401, { 'WWW-Authenticate': 'Bearer error="invalid_token"' }).end();
	}
	const [, way, ...rest] = request.url.split('/');
	const answer = await fetch(upstream + '/' + rest.join('/'), { headers: { authorization: 'Bearer token-1' } });
	const body = Buffer.from(await answer.arrayBuffer());
	appendFileSync(log, `${answer.status} ${rest.length > 4 ? 'object' : 'other'}\n`);
	if (rest.length > 4 && ++objects % 3 === 0) {
		clock += 120;
		if (way === 'fresh')
			store(await issue(issuers[0]));
	}
	response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' }).end(body);
};
const server = createServer((request, response) => serve(request, response).catch(e => {
	console.error(e);
	response.writeHead(500).end();
}));
store(await issue(issuers[0]));
server.listen(0, '127.0.0.1', () => console.log('port ' + server.address().port));
