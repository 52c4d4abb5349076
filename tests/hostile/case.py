"""What the makers of hostile input share: a case is a file and a line of the table."""
import sys, zlib

cases = 0

def number():
    """Of the case that is being made."""
    return cases + 1

def case(name, data, outcome, reason=''):
    global cases
    cases += 1
    with open('%s/%03d-%s' % (sys.argv[1], cases, name), 'wb') as f:
        f.write(data)
    print(cases, name, outcome, reason, sep='\t')

def deflate(b):
    co = zlib.compressobj(9, zlib.DEFLATED, -15)
    return co.compress(b) + co.flush()
