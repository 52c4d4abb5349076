#!/usr/bin/env python3
"""A relay that is far away: PORT TARGET MS. Each byte takes MS/2 milliseconds each way; nothing is slower than that."""
import queue, socket, sys, threading, time

port, target, delay = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 2000
never = threading.Event()


def read(a, q):
    try:
        while True:
            d = a.recv(262144)
            q.put((time.monotonic() + delay, d))
            if not d:
                return
    except OSError:
        q.put((0, b''))


def write(q, b):
    try:
        while True:
            due, d = q.get()
            never.wait(max(0, due - time.monotonic()))
            if not d:
                b.shutdown(socket.SHUT_WR)
                return
            b.sendall(d)
    except OSError:
        pass


def serve(s):
    with s, socket.create_connection(('127.0.0.1', target)) as up:
        ways = []
        for a, b in ((s, up), (up, s)):
            b.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            q = queue.Queue()
            ways += [threading.Thread(target=read, args=(a, q), daemon=True), threading.Thread(target=write, args=(q, b), daemon=True)]
        for t in ways:
            t.start()
        for t in ways:
            t.join()


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(('127.0.0.1', port))
listener.listen(64)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
