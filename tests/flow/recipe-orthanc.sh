# A recipe against a server that nobody here wrote: Orthanc's REST interface behind nginx with TLS, with a login, where a
# study's archive is a job that is waited for.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"
fetch=$MRI_BIN/mri-fetch
ok "Orthanc starts" start_orthanc_web
for n in 1 2; do
	mkstudy --out "s$n" --slices 5 --seed $n --study-uid 1.2.826.0.1.3680043.10.999.8$n --patient-name 'Muster^Eva' \
	    --birth 1970-01-01 --sex F >/dev/null
	for f in $(find "s$n" -type f ! -name DICOMDIR); do
		curl -sf -u mri:web-secret-1 -X POST --data-binary "@$f" "http://127.0.0.1:$ORTHANC_HTTP/instances" >/dev/null
	done
done
TLS=$(free_port)
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost 2>/dev/null
mkdir tmp
cat >nginx.conf <<END
pid $TMPDIR/nginx.pid; error_log $TMPDIR/nginx.log; daemon off; master_process off;
events { worker_connections 64; }
http {
	access_log $TMPDIR/access.log;
	client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
	server {
		listen 127.0.0.1:$TLS ssl;
		ssl_certificate $TMPDIR/cert.pem; ssl_certificate_key $TMPDIR/key.pem;
		location / { proxy_pass http://127.0.0.1:$ORTHANC_HTTP; }
	}
}
END
nginx -p "$TMPDIR" -c "$TMPDIR/nginx.conf" 2>nginx.err &
_pids="$_pids $!"
wait_for 10 listens "$TLS"
cat >orthanc.xml <<END
<recipe xmlns="urn:mri:recipe:1" id="orthanc" version="1">
  <about vendor="Orthanc" tested="1.10.1">Its REST interface; a study's archive is a job.</about>
  <match url="^https://localhost:$TLS/"/>
  <input name="user" type="user" secret="no" ask="User"/>
  <input name="password" type="password" ask="Password"/>
  <scope hosts="localhost"/>
  <limits min-delay="10ms" requests="200"/>
  <errors><error code="credentials-wrong"><when status="401"/></error></errors>
  <login>
    <auth user="{user}" password="{password}" hosts="localhost"/>
    <get url="https://localhost:$TLS/system"/>
    <expect><when json="/ApiVersion"/></expect>
  </login>
  <run>
    <get url="https://localhost:$TLS/studies"><query name="expand" value=""/></get>
    <for-each json="" as="study" min="1">
      <extract name="id" json="/ID"/>
      <extract name="uid" json="/MainDicomTags/StudyInstanceUID" type="uid"/>
      <extract name="name" json="/PatientMainDicomTags/PatientName"/>
      <extract name="born" json="/PatientMainDicomTags/PatientBirthDate" type="date" required="no"/>
      <post url="https://localhost:$TLS/studies/{id}/archive"><json>{"Asynchronous": true}</json></post>
      <extract name="job" json="/ID"/>
      <poll every="100ms" backoff="1.5" max-every="1s" timeout="30s">
        <get url="https://localhost:$TLS/jobs/{job}"/>
        <done><when json="/State" equals="Success"/></done>
        <failed><when json="/State" equals="Failure"/></failed>
        <progress json="/Progress"/>
      </poll>
      <download url="https://localhost:$TLS/jobs/{job}/archive" as="study" study="{uid}" type="zip">
        <patient name="{name}" birthdate="{born}"/>
      </download>
    </for-each>
  </run>
</recipe>
END
printf 'mri\n' >user
printf 'web-secret-1\n' >password
printf 'nein-nein\n' >wrong
new_spool
order() {
	jq -cn --arg l "https://localhost:$TLS/" --arg name "$1" '{link:$l,ref:"O-1",basis:{kind:"consent",reference:"form 1"},
	    patient:{id:"PID-4711",name:$name,birth_date:"1970-01-01"}}' >order.json
}
run() { rm -rf out.d; "$fetch" --cacert cert.pem --recipe ./orthanc.xml --order order.json -o out.d --factor user=@user "$@"; }
order 'Muster^Eva'
status "two studies, each by a job" 0 run --factor password=@password --explain
is "two archives" 2 "$(ls out.d/*.zip | wc -l)"
has "that were waited for" 'line [0-9]+ <poll>: done' err
hasnt "no name and no UID in what is explained" 'Muster|999\.8' err
rm -rf x && mkdir x
for f in out.d/*.zip; do (cd x && unzip -q -o "../$f" -d "$(basename "$f" .zip)"); done
is "each object has the bytes that Orthanc was given" "$(find s1 s2 -type f ! -name DICOMDIR -exec sha256sum {} + | cut -c1-64 | sort)" \
    "$(find x -type f ! -name DICOMDIR -exec sha256sum {} + | cut -c1-64 | sort)"
status "a wrong password" 77 run --factor password=@wrong
has "is named as that" 'refuses what was entered' err
order 'Fremd^Anna'
: >access.log
status "somebody else's studies" 1 run --factor password=@password
is "no job was begun" 0 "$(grep -c POST access.log || :)"
done_testing
