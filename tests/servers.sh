# Real servers for flow tests, on loopback ports of their own, configured in $TMPDIR, stopped by pid. Sourced after lib.sh.
_pids=''
_stop_all() {
	for _p in $_pids; do kill "$_p" 2>/dev/null || :; done
	for _p in $_pids; do wait "$_p" 2>/dev/null || :; done
	_pids=''
}
trap _stop_all EXIT
trap 'exit 75' INT TERM

listens() { /usr/bin/python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)' "$1"; }

# start_orthanc_web: Orthanc with its DICOMweb plugin, and a user "mri" with the password "web-secret-1"; sets
# ORTHANC_DICOM, ORTHANC_HTTP, ORTHANC_PID. Its root is /dicom-web.
start_orthanc_web() {
	_d=$TMPDIR/orthanc-web
	mkdir -p "$_d"
	ORTHANC_DICOM=$(free_port)
	ORTHANC_HTTP=$(free_port)
	cat >"$_d/orthanc.json" <<-END
	{ "Name": "WEB", "StorageDirectory": "$_d/db", "IndexDirectory": "$_d/db",
	  "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"],
	  "DicomAet": "ORTHANC", "DicomPort": $ORTHANC_DICOM, "HttpPort": $ORTHANC_HTTP, "RemoteAccessAllowed": true,
	  "AuthenticationEnabled": true, "RegisteredUsers": { "mri": "web-secret-1" }, "DicomWeb": { "Enable": true } }
	END
	"$(command -v Orthanc || echo /usr/sbin/Orthanc)" "$_d/orthanc.json" >"$_d/log" 2>&1 &
	ORTHANC_PID=$!
	_pids="$_pids $ORTHANC_PID"
	wait_for 30 curl -sf -u mri:web-secret-1 "http://127.0.0.1:$ORTHANC_HTTP/dicom-web/studies"
}

# start_orthanc [NAME]: sets ORTHANC_DICOM, ORTHANC_HTTP (ports), ORTHANC_PID; AE title ORTHANC
start_orthanc() {
	_d=$TMPDIR/${1:-orthanc}
	mkdir -p "$_d"
	ORTHANC_DICOM=$(free_port)
	ORTHANC_HTTP=$(free_port)
	cat >"$_d/orthanc.json" <<-END
	{ "Name": "TEST", "StorageDirectory": "$_d/db", "IndexDirectory": "$_d/db", "Plugins": [],
	  "DicomAet": "ORTHANC", "DicomPort": $ORTHANC_DICOM, "HttpPort": $ORTHANC_HTTP,
	  "RemoteAccessAllowed": false, "AuthenticationEnabled": false, "OverwriteInstances": true,
	  "DicomAlwaysAllowStore": true, "DicomAlwaysAllowFind": true, "DicomAlwaysAllowEcho": true }
	END
	"$(command -v Orthanc || echo /usr/sbin/Orthanc)" "$_d/orthanc.json" >"$_d/log" 2>&1 &
	ORTHANC_PID=$!
	_pids="$_pids $ORTHANC_PID"
	wait_for 30 curl -sf "http://127.0.0.1:$ORTHANC_HTTP/system" && wait_for 10 listens "$ORTHANC_DICOM"
}
orthanc() { curl -sf "http://127.0.0.1:$ORTHANC_HTTP$1"; }
orthanc_clear() { for _i in $(orthanc /patients | jq -r '.[]'); do curl -sf -X DELETE "http://127.0.0.1:$ORTHANC_HTTP/patients/$_i" >/dev/null; done; }
# every instance that Orthanc holds, as files in DIR
orthanc_files() {
	mkdir -p "$1"
	for _i in $(orthanc /instances | jq -r '.[]'); do orthanc "/instances/$_i/file" >"$1/$_i"; done
}
# "UID sha256" of the bytes of (7FE0,0010), a line a file below PATH
pixels() { /usr/bin/python3 "$SRC/tests/tool/elements.py" --pixels "$@"; }
# same_but BEFORE AFTER TAG...: byte for byte, but for TAGs; last line "N compared, N differ"
same_but() { /usr/bin/python3 "$SRC/tests/tool/elements.py" --same "$@"; }

# new_spool [more lines of configuration]: sets MRI_SPOOL, MRI_CONFIG; the identity is in $HOME
new_spool() {
	MRI_SPOOL=$TMPDIR/spool
	MRI_CONFIG=$TMPDIR/mri.conf
	export MRI_SPOOL MRI_CONFIG
	{
		printf '[spool]\ndir = %s\norganisation = Klinikum Test\nidentity = %s/identity\n' "$MRI_SPOOL" "$TMPDIR"
		printf '[net]\nallow = 127.0.0.0/8\n'
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >"$MRI_CONFIG"
	"$MRI_BIN/mri-spool" init 2>"$TMPDIR/init.err" || { cat "$TMPDIR/init.err"; exit 1; }
}
PATH=$MRI_BIN:$MRI_TOOL:$PATH
export PATH
