#!/usr/bin/env python3
"""A relay that cuts: PORT TARGET BYTES [COMMAND]. The first connection ends after BYTES of the answer; COMMAND runs then."""
import socket, subprocess, sys, threading

port, target, limit = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
command = sys.argv[4] if len(sys.argv) > 4 else None


def forward(a, b):
    try:
        while True:
            d = a.recv(65536)
            if not d:
                break
            b.sendall(d)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(s, cut):
    with s, socket.create_connection(('127.0.0.1', target)) as up:
        threading.Thread(target=forward, args=(s, up), daemon=True).start()
        if cut is None:
            forward(up, s)
            return
        while cut > 0:
            d = up.recv(min(65536, cut))
            if not d:
                break
            s.sendall(d)
            cut -= len(d)
        if command:
            subprocess.run(command, shell=True, check=True)
        s.shutdown(socket.SHUT_RDWR)  # the other thread waits in it: closing alone would say nothing to the peer


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(('127.0.0.1', port))
listener.listen(16)
first = True
while True:
    threading.Thread(target=serve, args=(listener.accept()[0], limit if first else None), daemon=True).start()
    first = False
