#!/bin/sh
# What comes in bulk goes through: 100 MB (STREAM_MB=1024: make stream) with less than 64 MB in any process of ours,
# into a sealed spool. A file, a file through TLS, and a study by DICOMweb with one large object.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"
mb=${STREAM_MB:-100}
mkdir -p www/dw/studies/1.2.3 tmp
mkstudy --out head --slices 1 --rows 8 --cols 8 --study-uid 1.2.3 >/dev/null
/usr/bin/python3 - "$mb" <<'END'
import glob, os, struct, sys, zlib
size = int(sys.argv[1]) << 20
block, crc = bytes(1 << 20), 0
for i in range(size >> 20):
    crc = zlib.crc32(block, crc)
name = b'DICOM/IM000001'
with open('www/file.zip', 'wb') as f:  # one stored member, a hole on the disk (APPNOTE 4.3.7, 4.3.12, 4.3.16)
    f.write(struct.pack('<4sHHHHHIIIHH', b'PK\3\4', 20, 0, 0, 0, 33, crc, size, size, len(name), 0) + name)
    f.seek(size, os.SEEK_CUR)
    at = f.tell()
    f.write(struct.pack('<4sHHHHHHIIIHHHHHII', b'PK\1\2', 20, 20, 0, 0, 0, 33, crc, size, size, len(name), 0, 0, 0, 0, 0, 0) + name)
    f.write(struct.pack('<4sHHHHIIH', b'PK\5\6', 0, 0, 1, 1, f.tell() - at, at, 0))
one = open([p for p in glob.glob('head/**/*', recursive=True) if os.path.isfile(p)][0], 'rb').read()
with open('www/dw/studies/1.2.3/bulk', 'wb') as f:
    f.write(b'--edge\r\nContent-Type: application/dicom\r\n\r\n' + one)
    f.seek(size, os.SEEK_CUR)
    f.write(b'\r\n--edge--\r\n')
END
echo '[{"0020000D":{"vr":"UI","Value":["1.2.3"]}}]' >www/dw/studies/list
PORT=$(free_port) TLS=$(free_port)
openssl req -x509 -newkey rsa:2048 -nodes -keyout tls.key -out tls.pem -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost 2>/dev/null
cat >nginx.conf <<END
pid $TMPDIR/nginx.pid; error_log $TMPDIR/nginx.log; daemon off; master_process off;
events { worker_connections 64; }
http {
	access_log off; sendfile on;
	client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
	server {
		listen 127.0.0.1:$PORT; listen 127.0.0.1:$TLS ssl;
		ssl_certificate $TMPDIR/tls.pem; ssl_certificate_key $TMPDIR/tls.key;
		root $TMPDIR/www;
		location = /dw/studies { default_type application/dicom+json; try_files /dw/studies/list =404; }
		location = /dw/studies/1.2.3 { types { } default_type 'multipart/related; type="application/dicom"; boundary=edge';
			try_files /dw/studies/1.2.3/bulk =404; }
	}
}
END
nginx -p "$TMPDIR" -c "$TMPDIR/nginx.conf" 2>nginx.err &
_pids="$_pids $!"
wait_for 10 listens "$PORT" || cat nginx.err nginx.log
new_spool 'allow_http = 127.0.0.1' '[portal dw]' "dicomweb = http://127.0.0.1:$PORT/dw"
# what the largest of a command's processes came to, in MB, with all that it waited for
cat >peak.py <<'END'
import resource, subprocess, sys
p = subprocess.run(sys.argv[2:])
open(sys.argv[1], 'w').write('%d\n' % (resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10))
sys.exit(p.returncode)
END
# fetch TEXT ARGUMENTS: link on stdin
fetch() {
	_what=$1; shift
	_got=0
	/usr/bin/python3 peak.py peak mri-fetch --cacert tls.pem --max-time 3600 --basis consent --reference form "$@" >out 2>err || _got=$?
	is "$_what" 0 "$_got"
	[ "$_got" -eq 0 ] || cat err
	ok "$_what: $(cat peak) MB" test "$(cat peak)" -lt 64
	ok "$_what: all of it" test "$(cat "$(cat out)"/package/* | wc -c)" -ge $((mb << 20))
	status "$_what: deleted" 0 mri-purge --now "$(basename "$(cat out)")"
}
echo "http://127.0.0.1:$PORT/file.zip" >link
fetch 'a file' - <link
echo "https://localhost:$TLS/file.zip" >link
fetch 'a file by TLS' - <link
fetch 'a study with a large object' --portal dw --study 1.2.3 <link
done_testing
