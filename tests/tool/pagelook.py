#!/usr/bin/python3
"""Looks at HTML files in Chromium, over the pipe of its DevTools (a message of JSON, then NUL).

pagelook.py [--png] FOLDER PAGE...: makes PAGE.pdf in FOLDER, with --png PAGE-WIDTH-SCHEME.png too; says on stdout, a
line each, "PAGE requests SCHEME..." (of the addresses that were asked for) and for each width and colour scheme
overflow (pixels beyond the window), contrast (the least of any text, WCAG 2.1), scripts, pictures (shown/all).
What it would ask of the network ends at a proxy that answers nothing."""
import base64, json, os, socket, subprocess, sys, tempfile, threading

FLAGS = ('--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking '
         '--disable-component-update --disable-sync --disable-default-apps --disable-extensions --disable-dev-shm-usage '
         '--disable-domain-reliability --disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication '
         '--remote-debugging-pipe --hide-scrollbars').split()
MEASURE = '''(() => {
  const rgb = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const lum = c => { const [r, g, b] = c.map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4 });
    return .2126 * r + .7152 * g + .0722 * b };
  let least = 21;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    if (!walk.currentNode.data.trim()) continue;
    let e = walk.currentNode.parentElement, ground = [255, 255, 255];
    const ink = lum(rgb(getComputedStyle(e).color));
    for (; e; e = e.parentElement) {
      const b = rgb(getComputedStyle(e).backgroundColor);
      if (b.length == 3 || b[3] == 1) { ground = b.slice(0, 3); break }
    }
    const back = lum(ground);
    least = Math.min(least, (Math.max(ink, back) + .05) / (Math.min(ink, back) + .05));
  }
  const pics = [...document.images], root = document.documentElement;
  let wide = root.scrollWidth - innerWidth;
  for (const e of document.querySelectorAll('body *')) wide = Math.max(wide, e.getBoundingClientRect().right - innerWidth);
  return { overflow: Math.max(0, Math.ceil(wide)), contrast: Math.floor(least * 100) / 100,
    scripts: document.scripts.length, pictures: pics.filter(p => p.naturalWidth).length + '/' + pics.length } })()'''


class Browser:
    def __init__(self, proxy):
        to_r, self.to = os.pipe()
        self.back, back_w = os.pipe()
        self.home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.n, self.rest, self.seen = 0, b'', []

        def wire():     # the browser reads 3 and writes 4
            a, b = os.dup(to_r), os.dup(back_w)
            os.dup2(a, 3), os.dup2(b, 4)
        # Chromium takes the two from the shell, so that no other descriptor stands in their place
        self.p = subprocess.Popen(['chromium', *FLAGS, '--user-data-dir=' + self.home.name, '--proxy-server=127.0.0.1:%d' % proxy,
                                   '--proxy-bypass-list=<-loopback>'], preexec_fn=wire, close_fds=False,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_r), os.close(back_w)
        target = self.ask('Target.createTarget', url='about:blank')['targetId']
        self.session = self.ask('Target.attachToTarget', targetId=target, flatten=True)['sessionId']

    def message(self):
        while b'\0' not in self.rest:
            more = os.read(self.back, 1 << 20)
            if not more:
                sys.exit('pagelook: the browser ended')
            self.rest += more
        one, self.rest = self.rest.split(b'\0', 1)
        one = json.loads(one)
        self.seen.append(one)
        return one

    def ask(self, method, **params):
        self.n += 1
        m = {'id': self.n, 'method': method, 'params': params}
        if hasattr(self, 'session'):
            m['sessionId'] = self.session
        os.write(self.to, json.dumps(m).encode() + b'\0')
        while True:
            answer = self.message()
            if answer.get('id') == self.n:
                if 'error' in answer:
                    sys.exit('pagelook: %s: %s' % (method, answer['error']['message']))
                return answer['result']

    def load(self, path):
        self.seen = []
        self.ask('Page.navigate', url='file://' + os.path.abspath(path))
        while not any(m.get('method') == 'Page.loadEventFired' for m in self.seen):
            self.message()

    def close(self):
        self.ask('Browser.close')
        self.p.wait()
        self.home.cleanup()


def dead_end():
    s = socket.create_server(('127.0.0.1', 0))

    def run():
        while True:
            s.accept()[0].close()
    threading.Thread(target=run, daemon=True).start()
    return s.getsockname()[1]


def main():
    args = sys.argv[1:]
    png = args[0] == '--png'
    folder, pages = args[png], args[png + 1:]
    b = Browser(dead_end())
    for domain in 'Page', 'Network', 'Runtime':
        b.ask(domain + '.enable')
    for page in pages:
        name = os.path.splitext(os.path.basename(page))[0]
        b.load(page)
        asked = sorted({m['params']['request']['url'].split(':')[0] for m in b.seen
                        if m.get('method') == 'Network.requestWillBeSent'})
        print(name, 'requests', *asked)
        for width, scheme in (1280, 'light'), (390, 'light'), (390, 'dark'):
            b.ask('Emulation.setDeviceMetricsOverride', width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
            b.ask('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': scheme}])
            got = b.ask('Runtime.evaluate', expression=MEASURE, returnByValue=True)['result']['value']
            for key in got:
                print(name, '%s-%d-%s' % (key, width, scheme), got[key])
            if not png:
                continue
            shot = b.ask('Page.captureScreenshot', captureBeyondViewport=True)
            open('%s/%s-%d-%s.png' % (folder, name, width, scheme), 'wb').write(base64.b64decode(shot['data']))
        pdf = b.ask('Page.printToPDF', preferCSSPageSize=True, printBackground=False)
        open('%s/%s.pdf' % (folder, name), 'wb').write(base64.b64decode(pdf['data']))
    b.close()


main()
