#!/usr/bin/env python3
"""Runs COMMAND on a terminal: ANSWER,ANSWER… COMMAND. Each time it asks (a line ends in a colon) the next answer is typed."""
import os, pty, select, sys, time

answers = [a.encode() for a in sys.argv[1].split(',')]
said, seen = b'', 0
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
end = time.monotonic() + 30
while time.monotonic() < end:
    if not select.select([fd], [], [], 0.2)[0]:
        continue
    try:
        got = os.read(fd, 4096)
    except OSError:
        break
    if not got:
        break
    said += got
    if answers and said[seen:].rstrip(b' ').endswith(b':'):
        seen = len(said)
        os.write(fd, answers.pop(0) + b'\n')
sys.stdout.buffer.write(said)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
