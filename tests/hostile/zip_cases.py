"""Hostile ZIP archives: whatever two readers would read differently, bombs, names that would be paths."""
import struct, zlib
from case import case, deflate, number

UNDEF = 0xffffffff
CENTRAL = ('sig', 'by', 'need', 'flags', 'method', 'time', 'date', 'crc', 'packed', 'size', 'name_len', 'extra_len',
    'comment_len',
           'disk', 'internal', 'external', 'offset')
CENTRAL_FORM = '<IHHHHHHIIIHHHHHII'
LOCAL = ('sig', 'need', 'flags', 'method', 'time', 'date', 'crc', 'packed', 'size', 'name_len', 'extra_len')
LOCAL_FORM = '<IHHHHHIIIHH'
END = ('sig', 'disk', 'cd_disk', 'here', 'entries', 'cd_size', 'cd_offset', 'comment_len')
END_FORM = '<IHHHHIIH'

class Member:
    """A member that can lie: central=, local= change fields by name (a function is given the right value)."""
    def __init__(self, name, data, method=8, flags=0, central={}, local={}, cname=None, lname=None, cextra=b'',
        lextra=b'',
                 after=b'', before=b'', packed=None, external=0, by=20):
        self.__dict__.update(locals())
        self.raw = packed if packed is not None else deflate(data) if method == 8 else data

def change(fields, by):
    for k, v in by.items():
        fields[k] = v(fields[k]) if callable(v) else v

def archive(members, end={}, before=b'', between=b'', after=b'', end64=None, comment=b'', shift=0):
    out, cds = bytearray(before), []
    for m in members:
        out += m.before
        at = len(out)
        name = m.cname if m.cname is not None else m.name
        f = dict(sig=0x02014b50, by=m.by, need=20, flags=m.flags, method=m.method, time=0x6000, date=0x5500,
            crc=zlib.crc32(m.data),
                 packed=len(m.raw), size=len(m.data), name_len=len(name), extra_len=len(m.cextra), comment_len=0,
                 disk=0, internal=0,
                 external=m.external, offset=at + shift)
        l = {k: f[k] for k in LOCAL}
        lname = m.lname if m.lname is not None else m.name
        l.update(sig=0x04034b50, name_len=len(lname), extra_len=len(m.lextra))
        change(f, m.central)
        change(l, m.local)
        out += struct.pack(LOCAL_FORM, *(l[k] for k in LOCAL)) + lname + m.lextra + m.raw + m.after
        cds.append(struct.pack(CENTRAL_FORM, *(f[k] for k in CENTRAL)) + name + m.cextra)
    out += between
    at, cd = len(out), b''.join(cds)
    out += cd
    e = dict(sig=0x06054b50, disk=0, cd_disk=0, here=len(members), entries=len(members), cd_size=len(cd),
        cd_offset=at + shift,
             comment_len=len(comment))
    if end64 is not None:
        z = dict(at=at, size=len(cd), n=len(members), locator=len(out), disks=1, need=45, length=44)
        z.update(end64)
        out += struct.pack('<IQHHIIQQQQ', 0x06064b50, z['length'], 45, z['need'], 0, 0, z['n'], z['n'], z['size'],
            z['at'])
        out += struct.pack('<IIQI', 0x07064b50, 0, z['locator'], z['disks'])
    change(e, end)
    return bytes(out) + struct.pack(END_FORM, *(e[k] for k in END)) + comment + after

def pdf(more=''):
    return b'%%PDF-1.4 case %d %s\n' % (number(), more.encode())

def disagree():
    refuse = 'ZIP archive refused: '
    no = r'contradict|differ|overlap|no (local header|directory entry)|ends early|directory (holds|is not|is too)|' \
        'longer than|too short|multi-disk|end record|grow|stored, but|larger than|does not know|a directory with'
    plus = lambda n: lambda v: v + n
    fields = (
        ('sig', plus(1), refuse + 'member 1: no'), ('method', 0, refuse), ('crc', plus(1), None),
        ('packed', plus(1), refuse),
        ('packed', plus(-1), None), ('size', plus(1), None), ('size', plus(-1), None), ('name_len', plus(1), refuse),
        ('name_len', plus(-1), refuse), ('extra_len', plus(4), refuse))
    for i, (k, v, why) in enumerate(fields):
        # in the one or the other: whichever of them is believed, the other says no
        case('central-%s-%d' % (k, i), archive([Member(b'a', pdf(), central={k: v}), Member(b'b', pdf('b'))]),
            'refused', refuse + '.*(' + no + ')')
        case('local-%s-%d' % (k, i), archive([Member(b'a', pdf(), local={k: v}), Member(b'b', pdf('b'))]),
             'aside' if k == 'sig' else 'refused', 'neither DICOM nor' if k == 'sig' else refuse + '.*(' + no + ')')
    for k, v in (('offset', plus(1)), ('offset', plus(-1)), ('offset', 0xfffffff0), ('comment_len', 5), ('disk', 1)):
        case('central-%s-%x' % (k, v if isinstance(v, int) else v(2)),
            archive([Member(b'a', pdf(), before=b'', central={}), Member(b'b', pdf('b'), central={k: v})]),
             'refused', refuse + '.*(' + no + ')')
    # what says nothing of the content may differ: writers that stream do not know it yet
    for k, v in (('need', 63), ('time', 0), ('date', 0xffff), ('time', 0xffff)):
        case('central-%s-%x' % (k, v), archive([Member(b'a', pdf(), central={k: v})]), 'document')
        case('local-%s-%x' % (k, v), archive([Member(b'a', pdf(), local={k: v})]), 'document')
    for bit in range(16):
        v = lambda f, b=bit: f ^ 1 << b
        for where in ('central', 'local'):
            data = archive([Member(b'a', pdf(), **{where: {'flags': v}})])
            if bit in (0, 6):
                case('%s-flag-%d' % (where, bit), data, 'refused', refuse + '.*contradict')
            elif bit == 3 and where == 'local':     # a descriptor is promised: the values stand in the header already
                case('%s-flag-%d' % (where, bit), data, 'document')
            else:
                case('%s-flag-%d' % (where, bit), data, 'document')
    case('central-name', archive([Member(b'a', pdf(), cname=b'b')]), 'refused', refuse + '.*names differ')
    case('central-name-path', archive([Member(b'a', pdf(), cname=b'../../a')]), 'refused', refuse +
        '.*(names differ|overlaps)')
    case('local-name-path', archive([Member(b'a', pdf(), lname=b'/etc/passwd')]), 'refused', refuse +
        '.*names differ')
    case('local-name-nul', archive([Member(b'a\0', pdf(), lname=b'a')]), 'refused', refuse +
        '.*(names differ|overlaps)')
    case('central-method-aes', archive([Member(b'a', pdf(), central={'method': 99})]), 'refused', refuse)
    case('local-extra-short', archive([Member(b'a', pdf(), lextra=b'\1\0\xff\0aaaa')]), 'refused', refuse +
        '.*extra field is longer')
    case('central-extra-short', archive([Member(b'a', pdf(), cextra=b'\1\0\xff\0aaaa')]), 'refused', refuse +
        '.*extra field is longer')

def zip64s():
    refuse = 'ZIP archive refused: '
    x = lambda *v: struct.pack('<HH', 1, 8 * len(v)) + b''.join(struct.pack('<Q', i) for i in v)
    n = len(pdf())
    m = lambda **k: Member(b'a', pdf(), method=0, **k)
    case('zip64-good', archive([m(central={'size': UNDEF, 'packed': UNDEF}, cextra=x(n, n),
        local={'size': UNDEF, 'packed': UNDEF},
         lextra=x(n, n))]), 'document')
    case('zip64-size', archive([m(central={'size': UNDEF}, cextra=x(n + 1))]), 'refused', refuse)
    case('zip64-huge', archive([m(central={'size': UNDEF, 'packed': UNDEF}, cextra=x(1 << 62, 1 << 62))]), 'refused',
        refuse)
    case('zip64-max', archive([m(central={'size': UNDEF, 'packed': UNDEF}, cextra=x((1 << 64) - 1, (1 << 64) - 1))]),
        'refused', refuse)
    case('zip64-offset', archive([m(central={'offset': UNDEF}, cextra=x((1 << 64) - 30))]), 'refused', refuse)
    case('zip64-packed-wraps', archive([Member(b'a', pdf(), central={'packed': UNDEF}, cextra=x((1 << 64) - 8))]),
        'refused', refuse)
    case('zip64-missing', archive([m(central={'size': UNDEF, 'packed': UNDEF})]), 'refused', refuse)
    case('zip64-short', archive([m(central={'size': UNDEF, 'packed': UNDEF}, cextra=x(n))]), 'refused', refuse +
        '.*zip64 field is too short')
    case('zip64-twice', archive([m(central={'size': UNDEF}, cextra=x(n) + x(n + 1))]), 'refused', refuse +
        '.*two zip64 fields')
    case('zip64-local-lies', archive([m(local={'size': UNDEF, 'packed': UNDEF}, lextra=x(n + 5, n + 5))]), 'refused',
        refuse + '.*contradicts')
    case('zip64-local-only', archive([m(local={'size': UNDEF, 'packed': UNDEF}, lextra=x(n, n))]), 'document')
    for name, by, why in (('good', {}, ''), ('offset', {'at': 5}, 'contradict|directory is not'),
        ('size', {'size': 1 << 40}, 'contradict'),
                          ('count', {'n': 2}, 'contradict'), ('count-huge', {'n': 1 << 60}, 'contradict'),
                          ('locator', {'locator': 3}, 'zip64 end record'),
                          ('locator-huge', {'locator': (1 << 64) - 1}, 'zip64 end record'),
                          ('disks', {'disks': 2}, 'multi-disk'),
                          ('length', {'length': 45}, 'zip64 end record')):
        case('end64-' + name, archive([m()], end64=by), 'refused' if why else 'document', why and refuse + '.*(' +
            why + ')')
    case('end64-all-ones', archive([m()], end64={}, end=dict(here=0xffff, entries=0xffff, cd_size=UNDEF,
        cd_offset=UNDEF)), 'document')
    case('end64-all-ones-many', archive([m()], end64={'n': 1 << 50}, end=dict(here=0xffff, entries=0xffff)),
        'refused',
         refuse + '.*(more than 200000 members|too small)')
    case('end64-missing', archive([m()], end=dict(here=0xffff, entries=0xffff, cd_size=UNDEF, cd_offset=UNDEF)),
        'refused', refuse)

def descriptors():
    refuse = 'ZIP archive refused: '
    zero = {'crc': 0, 'packed': 0, 'size': 0}
    def d(sig=True, crc=0, packed=0, size=0, wide=False):
        data = pdf()
        f = '<IQQ' if wide else '<III'
        after = (struct.pack('<I', 0x08074b50) if sig else b'') + struct.pack(f, zlib.crc32(data) ^ crc,
            len(deflate(data)) + packed, len(data) + size)
        return archive([Member(b'a', data, flags=8, local=zero, after=after), Member(b'b', pdf('b'))])
    for sig in (True, False):
        for wide in (True, False):
            n = '%s-%s' % ('signed' if sig else 'plain', 'wide' if wide else 'narrow')
            case('descriptor-' + n, d(sig, wide=wide), 'document')
            for k in ('crc', 'packed', 'size'):
                case('descriptor-%s-%s' % (n, k), d(sig, wide=wide, **{k: 1}), 'refused', refuse +
                    '.*descriptor contradicts')
    case('descriptor-none', archive([Member(b'a', pdf(), flags=8, local=zero)]), 'refused', refuse +
        '.*descriptor contradicts')
    case('descriptor-not-flagged', archive([Member(b'a', pdf(), local=zero)]), 'refused', refuse + '.*contradicts')
    case('descriptor-stored-inside', archive([Member(b'a', b'%PDF-' + struct.pack('<IIII', 0x08074b50, 0, 0, 0), 0, 8,
        local=zero,
         after=struct.pack('<IIII', 0x08074b50, 0, 0, 0))]), 'refused', refuse + '.*descriptor contradicts')

def ends():
    refuse = 'ZIP archive refused: '
    good = lambda **k: archive([Member(b'a', pdf()), Member(b'b', pdf('b'))], **k)
    case('end-good', good(), 'document')
    case('end-comment', good(comment=b'a comment'), 'document')
    case('end-padded', good(after=bytes(600)), 'document')
    for name, k in (('disk', {'disk': 1}), ('cd-disk', {'cd_disk': 1}), ('here', {'here': 1}),
        ('count-low', {'here': 1, 'entries': 1}),
                    ('count-high', {'here': 3, 'entries': 3}), ('count-max', {'here': 65534, 'entries': 65534}),
                    ('count-zero', {'here': 0, 'entries': 0}),
                    ('size-low', {'cd_size': lambda v: v - 1}), ('size-high', {'cd_size': lambda v: v + 1}),
                    ('size-max', {'cd_size': UNDEF}),
                    ('offset-low', {'cd_offset': lambda v: v - 1}), ('offset-high', {'cd_offset': lambda v: v + 1}),
                    ('offset-max', {'cd_offset': UNDEF}), ('comment-long', {'comment_len': 10}),
                    ('comment-max', {'comment_len': 0xffff})):
        case('end-' + name, good(end=k), 'refused', refuse)
    case('end-comment-short', good(comment=b'a comment', end={'comment_len': 2}), 'refused', refuse +
        '.*other bytes follow')
    case('end-appended', good(after=b'appended'), 'refused', refuse + '.*other bytes follow')
    case('end-appended-zip', good() + good(), 'refused', refuse)
    case('end-in-comment', good(comment=struct.pack(END_FORM, 0x06054b50, 0, 0, 0, 0, 0, 0, 0)), 'refused', refuse +
        '.*several end records')
    case('end-prepended', b'PK\3\4' + b'x' * 500 + good(), 'refused', refuse + '.*directory is not where')
    case('end-prepended-shifted', good(before=b'PK\3\4' + b'x' * 500), 'refused', refuse + '.*does not know')
    case('end-between', good(between=b'y' * 500), 'document')
    case('end-between-member', archive([Member(b'a', pdf())], between=archive([Member(b'hidden', pdf('h'))])[:60]),
        'refused',
         refuse + '.*does not know')
    case('end-hidden-first', archive([Member(b'a', pdf(), before=archive([Member(b'hidden', pdf('h'))])[:60])]),
        'refused|document', refuse)
    b = good()
    for n in range(8, len(b), len(b) // 24):
        case('end-cut-%d' % n, good()[:n], 'refused|aside', 'ZIP archive refused: .*no end record|neither DICOM nor')
    case('end-empty', struct.pack(END_FORM, 0x06054b50, 0, 0, 0, 0, 0, 0, 0), 'refused|aside', '.')
    case('end-only-local', archive([Member(b'a', pdf())])[:60], 'refused', 'no end record')

def overlaps():
    refuse = 'ZIP archive refused: .*(overlap|larger|grow|contradict|differ)'
    kernel = deflate(bytes(1 << 20))
    crc = zlib.crc32(bytes(1 << 20))
    def central(name, off, packed, size, crc, method=8, extra=b''):
        return struct.pack(CENTRAL_FORM, 0x02014b50, 20, 20, 0, method, 0, 0, crc, packed, size, len(name),
            len(extra), 0, 0, 0, 0, off) + name + extra
    def local(name, packed, size, crc, extra=0):
        return struct.pack(LOCAL_FORM, 0x04034b50, 20, 0, 8, 0, 0, crc, packed, size, len(name), extra) + name
    def finish(body, cds):
        cd = b''.join(cds)
        return body + cd + struct.pack(END_FORM, 0x06054b50, 0, 0, len(cds), len(cds), len(cd), len(body), 0)
    # one local header for all
    body = local(b'a', len(kernel), 1 << 20, crc) + kernel
    for n in (2, 100, 5000):
        case('overlap-same-%d' % n, finish(body, [central(b'a', 0, len(kernel), 1 << 20, crc)] * n), 'refused',
            refuse)
    # each quotes the local header of the next as a stored block of deflate, and runs on into its data
    for n in (2, 100, 1000):
        names, tail, size, c = [b'%04d' % i for i in range(n)], local(b'%04d' % (n - 1), len(kernel), 1 << 20,
            crc) + kernel, 1 << 20, bytes(1 << 20)
        sizes, packed = {n - 1: 1 << 20}, {n - 1: len(kernel)}
        heads, at = [], 0
        for i in range(n - 2, -1, -1):
            sizes[i], packed[i] = sizes[i + 1] + 34, packed[i + 1] + 5 + 34
        body, cds = b'', []
        for i in range(n):
            cds.append(central(names[i], len(body), packed[i], sizes[i], i))
            h = local(names[i], packed[i], sizes[i], i)
            body += h
            if i < n - 1:
                body += struct.pack('<BHH', 0, 34, 34 ^ 0xffff)
        case('overlap-quoted-%d' % n, finish(body + kernel, cds), 'refused', refuse)
    # each hides the next local headers in its extra field
    for n in (2, 50):
        body, cds = b'', []
        for i in range(n):
            left = (n - 1 - i) * (34 + 4)
            cds.append(central(b'%04d' % i, len(body), len(kernel), 1 << 20, crc))
            body += local(b'%04d' % i, len(kernel), 1 << 20, crc,
                left) + (struct.pack('<HH', 0x9999, left - 4) if left else b'')
        case('overlap-extra-%d' % n, finish(body + kernel, cds), 'refused', refuse)
    a, bb = Member(b'a', pdf(), 0), Member(b'b', pdf('b'), 0)
    for by in (1, 20, 40):
        case('overlap-by-%d' % by, archive([a, Member(b'b', pdf('b'), 0, central={'offset': lambda v, k=by: v - k})]),
            'refused', 'ZIP archive refused')
    case('overlap-directory', archive([a, Member(b'b', pdf('b'), 0,
        central={'packed': lambda v: v + 40, 'size': lambda v: v + 40})]),
         'refused', 'ZIP archive refused')
    big = Member(b'a', b'', packed=kernel, central={'size': 0xfffffff0, 'crc': crc},
        local={'size': 0xfffffff0, 'crc': crc})
    case('bomb-says-4g', archive([big]), 'refused', 'ZIP archive refused: .*grow more than')
    lie = Member(b'a', b'', packed=kernel, central={'size': 100, 'crc': crc}, local={'size': 100, 'crc': crc})
    case('bomb-says-100', archive([lie]), 'aside', 'member 1 is damaged: it cannot be inflated to its size')
    case('bomb-many', archive([Member(b'%d' % i, b'', packed=kernel, central={'size': 1 << 20, 'crc': crc},
        local={'size': 1 << 20, 'crc': crc})
         for i in range(64)]), 'aside', 'neither DICOM nor a document|its 64 files were set aside|all')
    sixty = deflate(bytes(60 << 20))
    case('bomb-60mb', archive([Member(b'a', b'', packed=sixty, central={'size': 60 << 20},
        local={'size': 60 << 20})]), 'refused', 'grow more than')
    case('crc-wrong', archive([Member(b'a', pdf(), central={'crc': 1}, local={'crc': 1})]), 'aside',
        'its CRC is wrong')
    case('crc-wrong-one', archive([Member(b'a', pdf(), central={'crc': 1}, local={'crc': 1}),
        Member(b'b', pdf('b'))]), 'partial', 'its CRC is wrong')
    case('deflate-garbage', archive([Member(b'a', pdf(), packed=b'\xff' * 50)]), 'aside', 'cannot be inflated')
    case('deflate-trailing', archive([Member(b'a', pdf(), packed=deflate(pdf()) + b'xx')]), 'aside',
        'cannot be inflated')
    case('deflate-short', archive([Member(b'a', pdf(), packed=deflate(pdf())[:-2])]), 'aside', 'cannot be inflated')
    case('stored-sizes', archive([Member(b'a', pdf(), 0, central={'size': 5}, local={'size': 5})]), 'refused',
        'stored, but its sizes differ')
    for m in (1, 6, 9, 12, 14, 93, 95, 97, 98, 1000):
        case('method-%d' % m, archive([Member(b'a', pdf(), central={'method': m}, local={'method': m}),
            Member(b'b', pdf('b'))]), 'partial', 'compressed ')

def names():
    for i, name in enumerate((b'/etc/passwd', b'//etc//passwd', b'../../../../etc/cron.d/x', b'a/../../b', b'..',
        b'.', b'..\\..\\x', b'C:\\x', b'C:x',
                 b'\\\\server\\share\\x', b'a\0b', b'\0', b'', b'nul', b'COM1', b'aux.pdf', b'a ', b'a.',
                 b'\x1b]0;x\x07', b'a\nb', b'a\rb', b'-rf',
                 b'~root', b'$(reboot)', b'`x`', b'%s%n', b'a' * 60000, b'a/' * 20000 + b'b', b'\xff\xfe',
                 b'\xc0\xae\xc0\xae/', b'\xe2\x80\xae\x66\x64\x70',
                 b'original/00001', b'manifest', b'x:stream', b'<script>', b'"', b"'")):
        if name.endswith(b'/'):
            name += b'x'
        case('name-%d' % i, archive([Member(name, pdf(), external=0)]), 'document')
    for a, b, n in ((b'x', b'x', 'same'), (b'A.PDF', b'a.pdf', 'case'),
        ('\u00fc'.encode(), 'u\u0308'.encode(), 'nfc'), (b'x', b'./x', 'dot'),
                    (b'x', b'x/', 'directory'), (b'a/b', b'a\\b', 'slash'), (b'x', b'x\0', 'nul'),
                    ('\u017f'.encode(), b's', 'fold'),
                    ('\u0130'.encode(), b'i', 'turkish'), ('stra\u00dfe'.encode(), b'strasse', 'eszett')):
        second = Member(b, b'' if b.endswith(b'/') else pdf('b'))
        case('names-' + n, archive([Member(a, pdf()), second]), 'document')
    refuse = 'ZIP archive refused: member 1: its two names differ'
    def field(of, says, version=1, length=None):    # Info-ZIP Unicode Path
        data = struct.pack('<BI', version, zlib.crc32(of)) + says
        return struct.pack('<HH', 0x7075, len(data) if length is None else length) + data
    def both(name, central, local, flags=0):
        return archive([Member(name, pdf(), flags=flags, cextra=central, lextra=local)])
    n = b'M\x81ller'
    for name, f in (('good', field(n, 'M\u00fcller'.encode())), ('crc', field(b'other', b'x')),
        ('version', field(n, b'x', 2)), ('ill', field(n, b'\xff\xfe')), ('overlong', field(n, b'\xc0\xaf')),
        ('surrogate', field(n, b'\xed\xa0\x80')), ('empty', field(n, b'')), ('bare', field(n, b'')[:4] + b'\1'),
        ('path', field(n, b'../../../../etc/cron.d/x')), ('absolute', field(n, b'/etc/passwd')),
        ('nul', field(n, b'a\0b')), ('override', field(n, '\u202efdp.exe'.encode())),
        ('escape', field(n, b'\x1b]0;x\7')),
        ('directory', field(n, b'd/')),
         ('long', field(n, b'a' * 60000)), ('twice', field(n, b'a') + field(n, b'b'))):
        if name == 'bare':
            f = struct.pack('<HHB', 0x7075, 1, 1)
        case('unicode-' + name, both(n, f, f), 'document')
        case('unicode-%s-directory' % name, both(n, f, b''), 'document')
        case('unicode-%s-flagged' % name, both(n, f, f, 0x800), 'document')
    case('unicode-differs', both(n, field(n, b'a'), field(n, b'b')), 'refused', refuse)
    case('unicode-differs-path', both(n, field(n, b'a'), field(n, b'/etc/passwd')), 'refused', refuse)
    case('unicode-longer', both(n, field(n, b'a'), field(n, b'aa')), 'refused', refuse)
    case('unicode-past-end', both(n, field(n, b'a', length=500), b''), 'refused', 'extra field is longer')
    for name in (b'\x83', b'\x95\x5c\x83', b'\xff' * 60000, b'\xe0' * 60000, bytes(range(1, 256)), b'\xc3',
        b'\xf4\x90\x80\x80'):
        for flags in (0, 0x800):
            case('name-bytes-%d-%x' % (len(name), flags), archive([Member(name, pdf(), flags=flags)]), 'document')
    for kind, mode in (('link', 0o120777), ('block', 0o060666), ('char', 0o020666), ('fifo', 0o010666),
            ('socket', 0o140666), ('setuid', 0o104755)):
        m = Member(b'x', b'/etc/passwd %d' % number() if kind == 'link' else pdf(), external=mode << 16,
            by=3 << 8 | 20)
        if kind == 'link':
            case('mode-link', archive([m]), 'aside', 'a symbolic link')
            case('mode-link-through', archive([m, Member(b'x/y', pdf('y'))]), 'partial|document', 'a symbolic link')
        else:
            case('mode-' + kind, archive([m]), 'document')
    case('directory-content', archive([Member(b'd/', pdf())]), 'refused', 'a directory with content')
    for flags, method, n in ((1, 0, 'zipcrypto'), (1, 8, 'zipcrypto-deflated'), (0x41, 0, 'strong'),
            (0x2041, 0, 'masked')):
        data = pdf()
        hidden = bytes(12) + (deflate(data) if method else data)    # the header of ZipCrypto, and what would follow it
        case('encrypted-' + n, archive([Member(b'a', data, method, flags, packed=hidden)]), 'aside|refused', 'encrypted')
    case('encrypted-aes-bare', archive([Member(b'a', pdf(), 0, 1, central={'method': 99}, local={'method': 99})]),
        'aside|refused', 'encrypted|AES')

def gzips():
    """A file through gzip, RFC 1952."""
    refuse = 'gzip file refused: '
    def gz(data, flags=0, extra=b'', crc=0, size=0, packed=None, method=8):
        return struct.pack('<BBBBIBB', 0x1f, 0x8b, method, flags, 0, 0, 3) + extra + (deflate(data) if packed is None
            else packed) + struct.pack('<II', zlib.crc32(data) ^ crc, len(data) + size & UNDEF)
    case('gzip-good', gz(pdf()), 'document')
    for i, name in enumerate((b'/etc/passwd', b'../../x', b'', b'\x1b]0;x\7', b'\xff' * 5000, 'fdp\u202e'.encode(),
            b'a' * 70000)):
        case('gzip-name-%d' % i, gz(pdf(), 8, name + b'\0'), 'document')
    case('gzip-name-endless', gz(pdf(), 8, packed=b'a' * 70000)[:-8], 'refused', refuse + 'it is cut off')
    case('gzip-all-fields', gz(pdf(), 0x1c, b'\4\0xxxx' + b'name\0comment\0'), 'document')
    case('gzip-extra-long', gz(pdf(), 4, b'\xff\xff'), 'refused', refuse)
    case('gzip-header-crc', gz(pdf(), 2, b'\0\0'), 'refused', refuse + 'it is damaged')
    case('gzip-flags', gz(pdf(), 0xe0), 'refused', refuse + 'it is damaged')
    case('gzip-crc', gz(pdf(), crc=1), 'refused', refuse + 'it is damaged')
    case('gzip-size', gz(pdf(), size=1), 'refused', refuse + 'it is damaged')
    case('gzip-size-4g', gz(pdf(), size=-1 - len(pdf())), 'refused', refuse + 'it is damaged')
    case('gzip-garbage', gz(pdf(), packed=b'\xff' * 50), 'refused', refuse + 'it is damaged')
    case('gzip-parts', gz(pdf()) + gz(b'more'), 'document')
    case('gzip-padded', gz(pdf()) + bytes(600), 'document')
    case('gzip-trailing', gz(pdf()) + b'trailing', 'refused', refuse + 'other bytes follow its end')
    case('gzip-trailing-zip', gz(pdf()) + archive([Member(b'a', pdf())]), 'refused', refuse +
        'other bytes follow its end')
    case('gzip-second-cut', gz(pdf()) + gz(b'more')[:-1], 'refused', refuse + 'it is cut off')
    case('gzip-second-damaged', gz(pdf()) + gz(b'more', crc=1), 'refused', refuse + 'it is damaged')
    data = gz(pdf())
    for k in range(3, len(data), 9):
        case('gzip-cut-%d' % k, data[:k], 'refused', refuse + 'it is cut off')
    case('gzip-bomb', gz(bytes(40 << 20)), 'refused', refuse + 'it would grow more than any image does')
    part = gz(bytes(1 << 20))
    case('gzip-bomb-parts', part * 40, 'refused', refuse + 'it would grow more than any image does')
    case('gzip-empty-parts', gz(b'') * 20000 + gz(pdf()), 'document')
    case('gzip-empty', gz(b''), 'aside', 'an empty file')
    case('gzip-gzip', gz(gz(pdf())), 'document|partial')
    case('gzip-deep', gz(gz(gz(gz(pdf())))), 'aside', 'of its 3 files were set aside')
    case('gzip-zip', gz(archive([Member(b'a', pdf())])), 'document')
    case('gzip-zip-refused', gz(archive([Member(b'a', pdf(), cname=b'b')])), 'aside', 'its two names differ')
    case('zip-gzip', archive([Member(b'a.gz', gz(pdf()), 0)]), 'document')
    case('zip-gzip-trailing', archive([Member(b'a.gz', gz(pdf()) + b'x', 0), Member(b'b', pdf('b'))]), 'partial',
        refuse + 'other bytes follow its end')
    case('zip-gzip-bomb', archive([Member(b'a.gz', gz(bytes(40 << 20)), 0)]), 'aside', 'would grow more than')

SECTIONS = (disagree, zip64s, descriptors, ends, overlaps, names, gzips)
