// A server of SMART Health Links, made by kill-the-clipboard: node shl-server.mjs MODULES CERT OUT
// [OBJECT...]: what the DICOMweb server gives that its ImagingStudy names.
// CERT: PEM with certificate and key. Writes the links to OUT as JSON, with the port, and prints a line for each
// request: "METHOD scenario [recipient]". Runs until stdin ends.
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { webcrypto } from 'node:crypto';
import { Duplex } from 'node:stream';
import { createDeflateRaw } from 'node:zlib';
import { pathToFileURL } from 'node:url';

// Debian 12 has Node 18, which lacks what kill-the-clipboard takes from Node 20
globalThis.crypto ??= webcrypto;
globalThis.CryptoKey ??= webcrypto.CryptoKey;
if (process.versions.node.startsWith('18.'))
	globalThis.CompressionStream = class {
		constructor() { Object.assign(this, Duplex.toWeb(createDeflateRaw())); }
	};
const [modules, certFile, out, ...objects] = process.argv.slice(2);
const require = createRequire(pathToFileURL(modules + '/x.js'));
const { SHL, SHLManifestBuilder, SHCIssuer, encryptSHLFile } = await import(pathToFileURL(
	require.resolve('kill-the-clipboard').replace('index.cjs', 'index.esm.js')).href);

const pdf = text => Buffer.from(`%PDF-1.4\n${text}\n${'x'.repeat(3000)}\n%%EOF\n`);
const patient = { fullUrl: 'urn:uuid:11111111-1111-4111-8111-111111111111', resource: { resourceType: 'Patient', id: 'p1',
	identifier: [{ system: 'urn:oid:1.2.3', value: 'PID-4711' }], gender: 'male', birthDate: '1970-01-01',
	name: [{ use: 'nickname', family: 'Maxi' }, { use: 'official', family: 'Mustermann', given: ['Max'] }] } };
const letter = { resource: { resourceType: 'DocumentReference', status: 'current', description: 'Arztbrief',
	date: '2026-09-02T08:00:00+02:00', subject: { reference: 'Patient/p1' },
	content: [{ attachment: { contentType: 'application/pdf', data: pdf('letter').toString('base64') } }] } };
const report = { resource: { resourceType: 'DiagnosticReport', status: 'final', code: { text: 'CT Befund' },
	subject: { reference: patient.fullUrl }, effectiveDateTime: '2026-09-01',
	presentedForm: [{ contentType: 'application/pdf', url: 'Binary/b1' }] } };
const binary = { resource: { resourceType: 'Binary', id: 'b1', contentType: 'application/pdf',
	data: pdf('report').toString('base64') } };
const imaging = [{ resource: { resourceType: 'Endpoint', id: 'e1', status: 'active', payloadType: [],
	connectionType: { code: 'dicom-wado-rs' }, address: 'https://localhost:1/wado/' } },
{ resource: { resourceType: 'ImagingStudy', status: 'available', subject: { reference: 'Patient/p1' },
	identifier: [{ system: 'urn:dicom:uid', value: 'urn:oid:1.2.3.4' }], started: '2026-09-01', numberOfInstances: 2,
	modality: [{ code: 'CT' }], endpoint: [{ reference: 'Endpoint/e1' }] } }];
const bundle = (...entry) => ({ resourceType: 'Bundle', type: 'collection', entry: [patient, ...entry] });

const scenarios = {
	plain: { files: [bundle(letter), bundle(report, binary)] },
	deflated: { files: [bundle(letter)], compress: true },
	embedded: { files: [bundle(letter)], embed: true },
	direct: { flag: 'U', files: [bundle(letter)] },
	pass: { flag: 'P', files: [bundle(letter)], passcode: 'geheim-7', left: 3 },
	text403: { flag: 'P', files: [bundle(letter)], passcode: 'geheim-7', text: true },
	imaging: { files: [bundle(letter, ...imaging)] },
	elsewhere: { files: [bundle(letter, imaging[1])] },
	old: { files: [bundle(letter)], expires: new Date('2026-01-01'), },
	gone: { files: [bundle(letter)], gone: true },
	gone_old: { files: [bundle(letter)], gone: true, expires: new Date('2026-01-01') },
	limited: { files: [bundle(letter)], limited: true },
	jws: { flag: 'U', raw: 'eyJhbGciOiJFUzI1NiJ9.e30.c2ln' },
	html: { raw: '<html>Bitte Code eingeben</html>' },
	clear: { flag: 'U', raw: '{"resourceType":"Bundle"}' },
	changed: { files: [bundle(letter)], changed: true },
	api: { api: true },
	card: { card: true },
	empty: { files: [] },
	stale: { files: [bundle(letter)], stale: true },
};
const stored = new Map(), tickets = new Map();
let base = '';

async function make(name, s) {
	s.shl = SHL.generate({ baseManifestURL: `${base}/${name}/`, flag: s.flag, expirationDate: s.expires,
		label: 'Mustermann, Max' });
	s.builder = new SHLManifestBuilder({ shl: s.shl,
		uploadFile: async content => { const id = `${name}-${stored.size}`; stored.set(id, content); return id; },
		getFileURL: async path => { const t = webcrypto.randomUUID(); tickets.set(t, s.stale ? 'none' : path); return `${base}/file/${name}/${t}`; },
		loadFile: async path => stored.get(path) });
	for (const content of s.files ?? [])
		await s.builder.addFHIRResource({ content: JSON.parse(JSON.stringify(content).replaceAll('https://localhost:1/', base + '/')), enableCompression: s.compress ?? false });
	if (s.card) {
		const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
		const issuer = new SHCIssuer({ issuer: 'https://issuer.example', privateKey: keys.privateKey, publicKey: keys.publicKey });
		await s.builder.addHealthCard({ shc: await issuer.issue(bundle()) });
	}
	if (s.api)
		stored.set('api', await encryptSHLFile({ key: s.shl.key, contentType: 'application/smart-api-access',
			content: JSON.stringify({ access_token: 'tok-never-kept', token_type: 'Bearer', aud: 'https://fhir.example' }) }));
	return s.shl.toURI();
}

async function manifest(s, request) {
	if (s.api)
		return { files: [{ contentType: 'application/smart-api-access', embedded: stored.get('api') }] };
	if (s.expires)	// the builder makes none after its time; servers in the field do
		return { files: [{ contentType: 'application/fhir+json', embedded: stored.get([...stored.keys()].find(k => k.startsWith('old'))) }] };
	const m = await s.builder.buildManifest({ embeddedLengthMax: s.embed ? request.embeddedLengthMax : 0 });
	if (s.changed)	// one character of the ciphertext
		m.files = m.files.map(f => { const e = [...stored.values()].find(v => v.length); return { contentType: f.contentType,
			embedded: e.replace(/\.(.)([^.]*)\.([^.]*)$/, (_, a, b, c) => `.${a === 'A' ? 'B' : 'A'}${b}.${c}`) }; });
	return m;
}

const answer = (res, status, body, headers = {}) => { res.writeHead(status, headers); res.end(body); };
const json = { 'Content-Type': 'application/json' };

async function handle(req, res) {
	const url = new URL(req.url, base), [, name, ticket] = url.pathname.split('/');
	let body = '';
	for await (const part of req)
		body += part;
	if (name === 'file') {
		const t = url.pathname.split('/')[3], content = stored.get(tickets.get(t));
		tickets.delete(t);	// once
		console.log(`GET file ${ticket}`);
		return content ? answer(res, 200, content, { 'Content-Type': 'application/jose' }) : answer(res, 404, '');
	}
	if (name === 'wado') {
		console.log(`GET ${url.pathname} ${req.headers.authorization ?? 'nobody'}`);
		const parts = objects.flatMap(f => [Buffer.from('\r\n--b\r\nContent-Type: application/dicom\r\n\r\n'), readFileSync(f)]);
		return answer(res, 200, Buffer.concat([...parts, Buffer.from('\r\n--b--\r\n')]),
			{ 'Content-Type': 'multipart/related; type="application/dicom"; boundary=b' });
	}
	const s = scenarios[name];
	const request = body ? JSON.parse(body) : {};
	console.log(`${req.method} ${name} ${request.recipient ?? url.searchParams.get('recipient')}`);
	if (!s || s.gone || `${base}${url.pathname}` !== s.shl.url)
		return answer(res, 404, '');
	if (s.limited)
		return answer(res, 429, '', { 'Retry-After': '3600' });
	if (s.raw)
		return answer(res, 200, s.raw);
	if (s.flag === 'U')
		return answer(res, 200, stored.get([...stored.keys()].find(k => k.startsWith(name))), { 'Content-Type': 'application/jose' });
	if (s.passcode && request.passcode !== s.passcode)
		return s.text ? answer(res, 403, 'Incorrect passcode') :
			answer(res, 401, JSON.stringify({ remainingAttempts: --s.left }), json);
	return answer(res, 200, JSON.stringify(await manifest(s, request)), json);
}

const pem = readFileSync(certFile);
const server = createServer({ cert: pem, key: pem }, (req, res) => handle(req, res).catch(e => {
	console.log(`error ${e.stack}`);
	answer(res, 500, '');
}));
server.listen(0, '127.0.0.1', async () => {
	base = `https://localhost:${server.address().port}`;
	const links = {};
	for (const [name, s] of Object.entries(scenarios))
		links[name] = await make(name, s);
	writeFileSync(out, JSON.stringify(links));
	console.log('ready');
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
