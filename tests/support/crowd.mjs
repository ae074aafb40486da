// crowd.mjs PORT WHAT [N] -- callers without manners, for tests of a server on 127.0.0.1:PORT.
//
//   slow-heads N    N connections that send a byte of a head now and then
//   slow-bodies N   N POSTs whose bodies drip
//   silent N        N connections that say nothing
//   broken          one odd request after the other, each on a connection of its own; prints the status
//                   that each got, or "closed"
//   half-closed N   N requests whose callers stop sending at once, and then read
//
// A crowd stays for as long as it lives; its first line says that it is there.
import net from 'node:net';

const [port, what, n = '1'] = process.argv.slice(2);
const at = { port: Number(port), host: '127.0.0.1' };
const post = (size) =>
  `POST /v1/bundles HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/vnd.gapferry.bundle\r\nContent-Length: ${size}\r\n\r\n`;

function join(first, drip) {
  const s = net.connect(at, () => s.write(first));
  s.on('error', () => {});
  s.on('close', () => setTimeout(() => join(first, drip), 100));
  if (drip) {
    const t = setInterval(() => s.writable && s.write(drip), 300);
    s.on('close', () => clearInterval(t));
  }
}

function crowd(first, drip) {
  for (let i = 0; i < Number(n); i++) join(first, drip);
  setTimeout(() => console.log('here'), 500);
}

// The status of the first reply to these bytes.
function exchange(bytes, end) {
  return new Promise((done) => {
    let said = '';
    const s = net.connect({ ...at, allowHalfOpen: true }, () => (end ? s.end(bytes) : s.write(bytes)));
    const over = () => {
      s.destroy();
      done(/^HTTP\/1\.1 (\d{3})/.exec(said)?.[1] ?? 'closed');
    };
    s.on('data', (d) => {
      said += d.toString('latin1');
      if (/^HTTP\/1\.1 \d{3}/.test(said) && !said.startsWith('HTTP/1.1 100')) over();
    });
    s.on('error', over);
    s.on('end', over);
    s.setTimeout(8000, over);
  });
}

const odd = {
  'garbage': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'.repeat(20),
  'no-http': 'hello\r\n\r\n',
  'delete': 'DELETE /v1/bundles HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'trace': 'TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'put': 'PUT /v1/bundles HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx',
  'get-a-post': 'GET /v1/bundles HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'chunked': 'POST /v1/bundles HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nrubbish\r\n',
  'two-lengths': 'POST /v1/bundles HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx',
  'negative-length': 'POST /v1/bundles HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n',
  'huge-length': post('99999999999999999'),
  'oversized-head': `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: ${'a'.repeat(60000)}\r\n\r\n`,
  'many-headers': `GET /healthz HTTP/1.1\r\nHost: localhost\r\n${'X: y\r\n'.repeat(9000)}\r\n`,
  'long-target': `GET /${'a'.repeat(60000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  'nul-in-target': 'GET /healthz%00x HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'pipelined': 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(50),
  'other-version': 'GET /healthz HTTP/9.9\r\nHost: localhost\r\n\r\n',
  'empty': '\r\n\r\n\r\n',
};

if (what === 'slow-heads') crowd('GET /healthz HTTP/1.1\r\nX-A: ', 'a');
else if (what === 'slow-bodies') crowd(post(1000000), 'a');
else if (what === 'silent') crowd('', null);
else if (what === 'half-closed') {
  const all = await Promise.all(Array.from({ length: Number(n) }, () =>
    exchange('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', true)));
  console.log(all.filter((x) => x === '200').length);
} else for (const [name, bytes] of Object.entries(odd)) console.log(name, await exchange(bytes, false));
