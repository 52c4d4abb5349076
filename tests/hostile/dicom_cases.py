"""Hostile DICOM: what is broken, too deep, too long, too large, or something else as well."""
import struct, zlib
from case import case, deflate, number

EXPL, IMPL, BIG = b'1.2.840.10008.1.2.1', b'1.2.840.10008.1.2', b'1.2.840.10008.1.2.2'
DEFL, JPEG = b'1.2.840.10008.1.2.1.99', b'1.2.840.10008.1.2.4.50'
UNDEF = 0xffffffff
LONG = (b'OB', b'OW', b'SQ', b'UN', b'UT', b'UC', b'UR', b'OD', b'OF')

def head(tag, vr, n, form=EXPL):
    g, e = tag >> 16, tag & 0xffff
    if g == 0xfffe or form == IMPL:
        return struct.pack('<HHI', g, e, n)
    end = '>' if form == BIG else '<'
    if vr in LONG:
        return struct.pack(end + 'HH2sHI', g, e, vr, 0, n)
    return struct.pack(end + 'HH2sH', g, e, vr, n)

def el(tag, vr, v, form=EXPL):
    if len(v) % 2:
        v += b'\0' if vr in (b'UI', b'OB') else b' '
    return head(tag, vr, len(v), form) + v

def meta(ts, preamble=b''):
    return preamble.ljust(128, b'\0') + b'DICM' + el(0x00020010, b'UI', ts)

def ids(form=EXPL):
    """Class, instance (of this case), study and series: what a file must have to be an object."""
    return el(0x00080016, b'UI', b'1.2.840.10008.5.1.4.1.1.7', form) + \
        el(0x00080018, b'UI', b'1.2.3.4.%d' % (number()), form)
def group(form=EXPL):
    return el(0x0020000d, b'UI', b'1.2.3.9', form) + el(0x0020000e, b'UI', b'1.2.3.9.1', form)
def dicom(extra=b'', ts=EXPL, form=EXPL, preamble=b''):
    return meta(ts, preamble) + ids(form) + el(0x00100010, b'PN', b'Test^Patient', form) + group(form) + extra

ITEM, ITEM_END, SEQ_END = 0xfffee000, 0xfffee00d, 0xfffee0dd
def item(v, n=None): return head(ITEM, b'', len(v) if n is None else n) + v

def defined(depth, sq, form):
    """Sequences that hold each other, each length right: from the inside out they would be copied a million times."""
    h = 12 if form == EXPL else 8
    out = bytearray((h + 8) * depth)
    at, left = 0, (h + 8) * depth
    for _ in range(depth):
        left -= h
        out[at:at + h] = head(sq[0], sq[1], left, form)
        left -= 8
        out[at + h:at + h + 8] = struct.pack('<HHI', 0xfffe, 0xe000, left)
        at += h + 8
    return bytes(out)

def nesting():
    # what is beyond the limit breaks there; in a UN of defined length nothing is looked for
    deep = r'broken DICOM at offset \d+( of the inflated data set)?, level 6\d, .*nested more than 64 deep'
    for n in (65, 100, 1000, 6000, 100000, 1000000):
        for name, tag, vr, form in (('sq-implicit', 0x00081140, b'SQ', IMPL),
            ('sq-explicit', 0x00081140, b'SQ', EXPL),
                                    ('un', 0x00081140, b'UN', EXPL), ('private', 0x00091010, b'UN', IMPL),
                                    ('private-sq', 0x00091010, b'SQ', EXPL)):
            if n == 1000000 and name not in ('sq-implicit', 'un'):     # 16 MB each
                continue
            one = head(tag, vr, UNDEF, form) + head(ITEM, b'', UNDEF)
            if vr == b'UN' and form == EXPL:    # PS3.5 6.2.2: implicit inside
                more = head(tag, vr, UNDEF, IMPL) + head(ITEM, b'', UNDEF)
            else:
                more = one
            case('nest-%s-%d' % (name, n), dicom(one + more * (n - 1), form, form), 'aside', deep)
        sq = (0x00081140, b'SQ')
        for form in (IMPL, EXPL):
            if n <= 100000:
                case('nest-defined-%s-%d' % ('implicit' if form == IMPL else 'explicit', n),
                     dicom(defined(n, sq, form), form, form), 'aside', deep)
        one = head(sq[0], sq[1], UNDEF) + head(ITEM, b'', UNDEF)
        case('nest-deflated-%d' % n, meta(DEFL) + deflate(ids() + group() + one * n), 'aside', deep)
    case('nest-64', dicom((head(0x00081140, b'SQ', UNDEF) + head(ITEM, b'', UNDEF)) * 64 +
         (head(ITEM_END, b'', 0) + head(SEQ_END, b'', 0)) * 64), 'object')
    case('nest-un-defined', dicom(el(0x00091010, b'UN', defined(5000, (0x00081140, b'SQ'), IMPL))), 'object')
    # items within items, and sequences that never hold an element
    case('nest-items', dicom(head(0x00081140, b'SQ', UNDEF) + head(ITEM, b'', UNDEF) * 1000), 'aside',
         r'level 2, \(fffe,e000\) in \(0008,1140\): an item or a delimiter where an element belongs')
    case('nest-fragments', dicom(head(0x7fe00010, b'OB', UNDEF) + head(ITEM, b'', UNDEF) * 1000, JPEG), 'aside',
         r'\(fffe,e000\) in \(7fe0,0010\): a fragment of undefined length')

def small(form):
    """A small object; where each of its lengths stands (tag, offset, bytes of the field); where its data set begins."""
    out, where = bytearray(dicom(b'', form, form)[:132 + 8 + len(form) + len(form) % 2]), []
    start = len(out)
    def put(tag, vr, v, sub=None):
        at = len(out)
        field, size = (4, 4) if form == IMPL or tag >> 16 == 0xfffe else (8, 4) if vr in LONG else (6, 2)
        where.append((tag, at + field, size))
        out.extend(head(tag, vr, 0, form))
        if sub:
            sub()
        else:
            out.extend(v + (b' ' if len(v) % 2 else b''))
        n = len(out) - at - len(head(tag, vr, 0, form))
        struct.pack_into('<I' if size == 4 else '<H', out, at + field, n)
    put(0x00080005, b'CS', b'ISO_IR 100')
    put(0x00080016, b'UI', b'1.2.840.10008.5.1.4.1.1.7\0')
    put(0x00080018, b'UI', b'1.2.3.4.%05d\0' % number())
    put(0x00080060, b'CS', b'OT')
    def inner():
        put(0x00081150, b'UI', b'1.2.3.4\0')
        put(0x00081155, b'UI', b'1.2.3.5\0')
        put(0x0040a170, b'SQ', b'', lambda: put(ITEM, b'', b'', lambda: put(0x00080100, b'SH', b'CODE')))
    put(0x00081140, b'SQ', b'', lambda: (put(ITEM, b'', b'', inner),
        put(ITEM, b'', b'', lambda: put(0x00081150, b'UI', b'1.2.3.6\0'))))
    put(0x00091010, b'UN', b'private!')
    put(0x00100010, b'PN', b'Test^Patient')
    put(0x0020000d, b'UI', b'1.2.3.9\0')
    put(0x0020000e, b'UI', b'1.2.3.9.1\0')
    put(0x00280010, b'US', struct.pack('<H', 2))
    put(0x00280011, b'US', struct.pack('<H', 2))
    put(0x7fe00010, b'OW', bytes(8))
    return bytes(out), where, start

def lengths():
    for form, what in ((EXPL, 'explicit'), (IMPL, 'implicit')):
        n = len(small(form)[1])
        for i in range(n):
            for kind in ('past', 'huge', 'by-one'):
                b, where, _ = small(form)
                tag, at, size = where[i]
                b = bytearray(b)
                left = len(b) - at - size
                # past: two bytes more than the file has; huge: as far as the field goes; by-one: an odd byte past it
                v = {'past': left + 2, 'by-one': left + 1, 'huge': 0xfffffffe if size == 4 else 0xfffe}[kind]
                struct.pack_into('<I' if size == 4 else '<H', b, at, v)
                where_it_is = r'broken DICOM at offset \d+, level \d, \(%04x,%04x\)( in \([0-9a-f,]{9}\))?: '
                case('length-%s-%s-%08x-%d' % (kind, what, tag, i), bytes(b), 'aside',
                     where_it_is % (tag >> 16, tag & 0xffff) + r'it has %d bytes, \d+ are left' % v)
    b, where, _ = small(EXPL)
    nested = [w for w in where if w[0] in (0x00081150, 0x00081155, 0x00080100, 0x0040a170)]
    for i, (tag, at, size) in enumerate(nested):     # past its item, not past the file
        b, _, _ = small(EXPL)
        b = bytearray(b)
        struct.pack_into('<I' if size == 4 else '<H', b, at, 70)
        case('length-past-item-%d' % i, bytes(b), 'aside', r'level [23], .* in \(.*\): it has 70 bytes, \d+ are left')
    case('length-4g-pixels', dicom(head(0x7fe00010, b'OW', 0xfffffffe)), 'aside',
        'it has 4294967294 bytes, 0 are left')
    case('length-4g-text', dicom(head(0x00104000, b'UT', 0xfffffffe) + b'x'), 'aside',
        'it has 4294967294 bytes, 1 are left')
    case('length-4g-item', dicom(head(0x00081140, b'SQ', UNDEF) + head(ITEM, b'', 0xfffffffe)), 'aside',
         r'\(fffe,e000\) in \(0008,1140\): it has 4294967294 bytes, 0 are left')
    case('length-4g-meta', bytes(128) + b'DICM' + head(0x00020001, b'OB', 0xfffffffe), 'aside',
        r'\(0002,0001\): it has 4294967294')
    case('length-undefined-text', dicom(head(0x00104000, b'UT', UNDEF) + b'x'), 'aside',
        'undefined length of an element that is no')
    case('length-undefined-un', dicom(head(0x00091010, b'UN', UNDEF) + b'notitems'), 'aside',
        'no item where one belongs')
    case('length-undefined-pixels', dicom(head(0x7fe00010, b'OW', UNDEF) + bytes(64)), 'aside',
        'no item where a fragment')
    case('length-undefined-unended', dicom(head(0x00081140, b'SQ', UNDEF)), 'aside', 'ends inside a sequence or item')
    for vr in (b'LO', b'UI', b'CS', b'PN', b'OB', b'UN', b'UT'):    # odd ones, as some writers leave them, are read
        case('odd-%s' % vr.decode().lower(), dicom(head(0x00091010, vr, 3) + b'odd' +
            el(0x00104000, b'LT', b'after')), 'object')
    case('odd-uid', meta(EXPL) + el(0x00080016, b'UI', b'1.2.840.10008.5.1.4.1.1.7') + head(0x00080018, b'UI', 11) +
        b'1.2.3.4.%03d' % (number()) +
         group(), 'object')
    case('odd-pixels', dicom(head(0x7fe00010, b'OB', 5) + b'12345'), 'object')
    case('odd-fragment', dicom(head(0x7fe00010, b'OB', UNDEF) + item(b'') + item(b'123', 3) + head(SEQ_END, b'', 0),
        JPEG), 'object')

def delimiters():
    sq, end, over = head(0x00081140, b'SQ', UNDEF), head(ITEM_END, b'', 0), head(SEQ_END, b'', 0)
    inner = el(0x00081150, b'UI', b'1.2')
    cases_ = (
        ('no-sequence-end', sq + item(inner), 'no item where one belongs|an item or a delimiter'),
        ('no-item-end', sq + head(ITEM, b'', UNDEF) + inner + over,
        'an item or a delimiter where an element belongs'),
        ('no-ends', sq + head(ITEM, b'', UNDEF) + inner, 'broken DICOM'),
        ('extra-item-end', sq + item(inner) + end + over, 'no item where one belongs'),
        ('extra-sequence-end', sq + item(inner) + over + over, 'an item or a delimiter where an element belongs'),
        ('sequence-end-first', over + inner, 'an item or a delimiter where an element belongs'),
        ('item-first', item(inner), 'an item or a delimiter where an element belongs'),
        ('ends-swapped', sq + head(ITEM, b'', UNDEF) + inner + over + end,
        'an item or a delimiter where an element belongs'),
        ('end-in-defined', head(0x00081140, b'SQ', 8 + len(inner) + 8) + item(inner) + end,
        'no item where one belongs'),
        ('element-in-sequence', sq + inner + over, 'no item where one belongs'),
        ('item-past-sequence', head(0x00081140, b'SQ', 12) + item(bytes(8)), 'it has 8 bytes, 4 are left'),
        ('sequence-cut-in-item', head(0x00081140, b'SQ', 4) + b'\xfe\xff\0\xe0', 'ends inside a tag'),
        ('fragment-end-only', head(0x7fe00010, b'OB', UNDEF) + end, 'no item where a fragment'),
        ('fragment-element', head(0x7fe00010, b'OB', UNDEF) + item(b'') + inner, 'no item where a fragment'))
    tail = el(0x00400007, b'LO', b'after')
    for name, b, why in cases_:
        case('delimiter-' + name, dicom(b + tail), 'aside', why)
        imp = b.replace(sq, head(0x00081140, b'SQ', UNDEF, IMPL)) if not name.startswith('fragment') else None
        if imp and sq in b:
            imp = imp.replace(inner, el(0x00081150, b'UI', b'1.2', IMPL))
            case('delimiter-implicit-' + name, dicom(imp + el(0x00400007, b'LO', b'after', IMPL), IMPL, IMPL),
                'aside', why)
    case('delimiter-thousand', dicom((sq + over) * 1000), 'object')
    case('delimiter-with-length', dicom(sq + item(inner) + head(SEQ_END, b'', 4)), 'object')

def order():
    case('tags-descending', meta(EXPL) + group() + ids(), 'object')
    case('tags-twice', dicom(ids()), 'object')
    case('tags-thousand-times', dicom(el(0x00100010, b'PN', b'Other^Patient') * 1000), 'object')
    case('tags-meta-in-data', dicom(el(0x00020010, b'UI', DEFL)), 'object')
    case('tags-group-0', dicom(el(0x00000100, b'US', b'\1\0')), 'object')
    case('tags-group-ffff', dicom(el(0xffffffff, b'LO', b'x')), 'object')
    case('tags-trailing-zeros', dicom(bytes(4096)), 'object')
    case('tags-trailing-bytes', dicom(b'1234567'), 'object')
    case('tags-zeros-inside', dicom(bytes(64) + el(0x00400007, b'LO', b'x')), 'aside',
        'zeros where an element belongs')
    case('tags-too-many', meta(IMPL) + ids(IMPL) + b''.join(head(0x00091000 + i % 4096, b'', 0, IMPL)
        for i in range(66000)),
         'aside', 'more than 65536 elements at its top level')
    case('meta-length-short', dicom()[:132] + el(0x00020000, b'UL', struct.pack('<I', 4)) + dicom()[132:], 'object')
    case('meta-length-long', dicom()[:132] + el(0x00020000, b'UL', struct.pack('<I', 0x7fffffff)) + dicom()[132:],
        'object')
    case('meta-length-zero', dicom()[:132] + el(0x00020000, b'UL', bytes(4)) + dicom()[132:], 'object')
    case('meta-none', bytes(128) + b'DICM' + ids() + group(), 'object')
    case('meta-twice', meta(EXPL) + meta(EXPL)[132:] + ids() + group(), 'object')
    case('meta-too-many', bytes(128) + b'DICM' + el(0x00020001, b'OB', b'\0\1') * 300 + ids() + group(), 'aside',
         'more than 256 elements at its top level')
    case('meta-implicit', bytes(128) + b'DICM' + el(0x00020010, b'UI', IMPL, IMPL) + ids(IMPL) + group(IMPL),
        'object')
    case('meta-says-implicit', meta(IMPL) + ids() + group(), 'object')
    case('meta-says-explicit', meta(EXPL) + ids(IMPL) + group(IMPL), 'object')
    case('meta-says-big', meta(BIG) + ids() + group(), 'object')
    case('meta-says-deflated', meta(DEFL) + ids() + group(), 'aside',
        'broken DICOM at offset \\d+: the deflated data set')
    case('meta-unknown-syntax', meta(b'1.2.3.4.5.6') + ids() + group(), 'object')
    case('meta-syntax-no-uid', meta(b'../../etc/passwd') + ids() + group(), 'aside',
        'without a usable transfer syntax')
    case('meta-syntax-long', bytes(128) + b'DICM' + el(0x00020010, b'UI', b'1.' * 200) + ids() + group(), 'aside',
         r'element \(0002,0010\) is longer than')
    case('big-endian', dicom(b'', BIG, BIG), 'object')
    case('bare-explicit', ids() + group(), 'object')
    case('bare-implicit', ids(IMPL) + group(IMPL), 'object')
    case('bare-big', ids(BIG) + group(BIG), 'object')
    case('uid-path', meta(EXPL) + el(0x00080016, b'UI', b'1.2') + el(0x00080018, b'UI', b'../../x') + group(),
        'aside', 'without SOP')
    case('uid-long', meta(EXPL) + el(0x00080016, b'UI', b'1.2') + el(0x00080018, b'UI', b'1' * 66) + group(), 'aside',
        'without SOP')
    case('uid-newline', meta(EXPL) + el(0x00080016, b'UI', b'1.2\n') + el(0x00080018, b'UI', b'1.2') + group(),
        'aside', 'without SOP')
    case('uid-nul', meta(EXPL) + el(0x00080016, b'UI', b'1.2') + el(0x00080018, b'UI',
        b'1.2.3.4.%d\0.2.3' % number()) + group(), 'object')
    case('uid-none', meta(EXPL) + el(0x00080005, b'CS', b'ISO_IR 6') + group(), 'aside', 'without SOP')
    case('uid-no-study', meta(EXPL) + ids(), 'aside', 'belongs to no study or series')
    case('name-100k', dicom(el(0x00104000, b'UT', b'A' * 100000)), 'object')

def vrs():
    # letters that are no VR today are read as a later one would be written; other bytes as a short one
    for vr in (b'??', b'\0\0', b'  ', b'un', b'lo', b'\xff\xff', b'1A'):
        case('vr-%s' % vr.hex(), dicom(struct.pack('<HH2sH', 9, 0x1010, vr, 4) + b'abcd' +
            el(0x00104000, b'LT', b'x')), 'object')
    for vr in (b'ZZ', b'QQ', b'XX'):
        case('vr-%s' % vr.decode().lower(), dicom(struct.pack('<HH2sHI', 9, 0x1010, vr, 0, 4) + b'abcd' +
            el(0x00104000, b'LT', b'x')),
             'object')
        case('vr-%s-short' % vr.decode().lower(), dicom(struct.pack('<HH2sH', 9, 0x1010, vr, 4) + b'abcd' +
            el(0x00104000, b'LT', b'x')),
             'aside', 'broken DICOM at offset')
    case('vr-reserved-bytes', dicom(struct.pack('<HH2sHI', 9, 0x1010, b'OB', 0xffff, 4) + b'abcd'), 'object')
    case('vr-sq-as-text', dicom(el(0x00081140, b'LO', item(b''))), 'object')
    case('vr-text-as-sq', dicom(el(0x00100020, b'SQ', b'no items here')), 'aside', 'no item where one belongs')
    case('vr-number-as-text', dicom(el(0x00280010, b'LT', b'many')), 'object')
    case('vr-empty-sq', dicom(el(0x00081140, b'SQ', b'')), 'object')
    case('charset-unknown', dicom(el(0x00080005, b'CS', b'NO_SUCH')), 'object')
    case('charset-hundred', dicom(el(0x00080005, b'CS', b'ISO 2022 IR 87\\' * 100)), 'object')
    case('charset-escapes', meta(EXPL) + el(0x00080005, b'CS', b'\\ISO 2022 IR 87') + ids() +
         el(0x00100010, b'PN', b'\x1b$B' * 20 + b'\x1b(') + group(), 'object')

def cut():
    for form, what, step in ((EXPL, 'explicit', 11), (IMPL, 'implicit', 17)):
        b, where, start = small(form)
        # where an element of the top level ends; a cut there, or less than a header on, is not seen
        tops, at = [start], start
        while at < len(b):
            w = next(w for w in where if w[1] in (at + 4, at + 6, at + 8) and w[1] >= at + 4 and (w[1] - at) in
                     ((4,) if form == IMPL else (6, 8)) and struct.unpack_from('<HH', b, at) == (w[0] >> 16,
                         w[0] & 0xffff))
            n = struct.unpack_from('<I' if w[2] == 4 else '<H', b, w[1])[0]
            at = w[1] + w[2] + n
            tops.append(at)
        whole = next(t for i, t in enumerate(tops) if i and struct.unpack_from('<HH', b, tops[i - 1]) == (0x20, 0x0e))
        for n in range(1, len(b), step):
            b = small(form)[0]
            last = max([t for t in tops if t <= n], default=0)
            if n < 132:
                case('cut-%s-%d' % (what, n), b[:n], 'aside', 'neither DICOM nor a document')
            elif last >= whole and n - last < 8:
                case('cut-%s-%d' % (what, n), b[:n], 'object')
            elif last and n - last < 8:
                case('cut-%s-%d' % (what, n), b[:n], 'aside',
                    'without SOP|belongs to no|data set is empty|no data set to be')
            else:
                case('cut-%s-%d' % (what, n), b[:n], 'aside',
                    r'broken DICOM(:| at offset \d+, level \d)|no data set to be')

def bombs():
    zeros = deflate(bytes(8 << 20))
    co = zlib.compressobj(9, zlib.DEFLATED, -15)    # blocks that end on a byte can be strung together
    block = co.compress(bytes(1 << 20)) + co.flush(zlib.Z_FULL_FLUSH)
    co = zlib.compressobj(9, zlib.DEFLATED, -15)
    x, thin = 1, bytearray(1 << 20)
    for i in range(6000):
        x = (x * 1664525 + 1013904223) & 0xffffffff
        thin[i * 170] = x >> 24
    dense = co.compress(bytes(thin)) + co.flush(zlib.Z_FULL_FLUSH)
    end = b'\3\0'
    co = zlib.compressobj(9, zlib.DEFLATED, -15)
    whole = co.compress(ids() + group() + head(0x7fe00010, b'OW', 64 << 20)) + co.flush(zlib.Z_FULL_FLUSH)
    case('deflate-ratio', meta(DEFL) + block * 100 + end, 'aside', 'inflates to more than 250 times its size')
    case('deflate-ratio-after-object', meta(DEFL) + whole + block * 64 + end, 'aside', 'more than 250 times')
    case('deflate-absolute', meta(DEFL) + dense * 520 + end, 'aside', 'inflates to more than (512 MB|fits in memory)')
    case('deflate-8mb', meta(DEFL) + zeros, 'aside', 'broken DICOM')
    case('deflate-pixels-8mb', meta(DEFL) + deflate(ids() + group() + el(0x7fe00010, b'OW', bytes(8 << 20))),
        'object')
    case('deflate-cut', meta(DEFL) + deflate(ids() + group())[:-3], 'aside',
        r'broken DICOM at offset \d+: the deflated data set ends early')
    case('deflate-nothing', meta(DEFL), 'aside', 'the deflated data set ends early')
    case('deflate-empty', meta(DEFL) + end, 'aside', 'data set is empty')
    case('deflate-zlib-header', meta(DEFL) + zlib.compress(ids() + group()), 'aside',
        'the deflated data set is damaged')
    case('deflate-trailing', meta(DEFL) + deflate(ids() + group()) + b'\0', 'object')
    case('deflate-damaged', meta(DEFL) + b'\7' * 100, 'aside',
        r'broken DICOM at offset \d+: the deflated data set is damaged')
    case('deflate-far', meta(DEFL) + deflate(bytes(range(8, 256)) * 400)[:5] + b'\xff' * 50, 'aside',
        'the deflated data set')

def polyglots():
    for name, pre in (('exe', b'MZ\x90\0'), ('elf', b'\x7fELF\2\1\1'), ('shell', b'#!/bin/sh\nexit 1\n'),
        ('tiff', b'II*\0\x08\0\0\0'),
                      ('tiff-big', b'MM\0*\0\0\0\x08'), ('pdf', b'%PDF-1.7\n'), ('html', b'<html><script>'),
                      ('zip', b'PK\3\4'),
                      ('jpeg', b'\xff\xd8\xff\xe0'), ('png', b'\x89PNG\r\n\x1a\n'), ('gif', b'GIF89a'),
                      ('json', b'{"a":"'),
                      ('macho', b'\xcf\xfa\xed\xfe'), ('rar', b'Rar!\x1a\x07\0'), ('7z', b"7z\xbc\xaf'\x1c"),
                      ('gzip', b'\x1f\x8b\x08')):
        case('preamble-' + name, dicom(b'', preamble=pre), 'object')
    case('preamble-exe-broken', dicom(head(0x7fe00010, b'OW', 0xfffffffe), preamble=b'MZ'), 'aside',
        'broken DICOM at offset')
    for name, b in (('exe', b'MZ'), ('elf', b'\x7fELF')):
        case(name, b + bytes(300), 'refused', 'it holds no object and no document')
    case('empty', b'', 'aside', 'an empty file')
    case('zeros', bytes(4096), 'aside', 'neither DICOM nor')
    case('preamble-only', bytes(128) + b'DICM', 'aside', 'no transfer syntax, and no data set|broken DICOM')
    case('preamble-text', bytes(128) + b'DICM' + b'this is no DICOM at all, whatever it says', 'aside',
        'broken DICOM')

SECTIONS = (nesting, lengths, delimiters, order, vrs, cut, bombs, polyglots)
