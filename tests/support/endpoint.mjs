// endpoint.mjs -- a scripted Prometheus endpoint for tests of gapferry-collect.
//
//   node endpoint.mjs FOLDER [SOCKET]
//
// Listens on a port of 127.0.0.1, which its first line tells, and on a unix socket. What it does is in
// the path of a request; FOLDER/log gets a line with the path for each.
//
//   /many       20,000 samples, about 1.5 MB
//   /metrics    the file FOLDER/metrics
//   /flip       the same once FOLDER/flip is there, until then 500
//   /error /redirect /page /garbage /openmetrics /short /huge /hang /drip    as they say
import fs from 'node:fs';
import http from 'node:http';

const [folder, socket] = process.argv.slice(2);
const plain = { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' };
const metrics = (r) => r.writeHead(200, plain).end(fs.readFileSync(`${folder}/metrics`));
const say = (r, text, type = plain) => r.writeHead(200, type).end(text);

const paths = {
  '/metrics': metrics,
  '/flip': (r) => (fs.existsSync(`${folder}/flip`) ? metrics(r) : r.writeHead(500).end('no')),
  '/many': (r) => say(r, Array.from({ length: 20000 }, (_, i) => `many{number="${i}",text="${'x'.repeat(40)}"} ${i}\n`).join('')),
  '/error': (r) => r.writeHead(500, plain).end('m 1\n'),
  '/redirect': (r) => r.writeHead(302, { Location: '/metrics' }).end(),
  '/page': (r) => say(r, '<html>Sign in</html>', { 'Content-Type': 'text/html' }),
  '/garbage': (r) => say(r, 'm 1\nm{ 2\n'),
  '/openmetrics': (r) =>
    say(r, '# TYPE o counter\no_total 1 1767225600.5\n# EOF\n', {
      'Content-Type': 'application/openmetrics-text; version=1.0.0',
    }),
  '/short': (r) => {
    r.writeHead(200, { ...plain, 'Content-Length': 100 });
    r.write('m 1\n', () => r.destroy());
  },
  '/huge': (r) => {
    r.writeHead(200, plain);
    const more = () => {
      while (!r.destroyed && r.write('m 1\n'.repeat(4096)));
    };
    r.on('drain', more);
    more();
  },
  '/hang': () => {},
  '/drip': (r) => {
    r.writeHead(200, plain);
    const drip = setInterval(() => r.write('#'), 100);
    r.on('close', () => clearInterval(drip));
  },
};

const serve = (request, r) => {
  fs.appendFileSync(`${folder}/log`, `${request.url}\n`);
  (paths[request.url] ?? ((x) => x.writeHead(404).end()))(r);
};
if (socket) http.createServer(serve).listen(socket);
const server = http.createServer(serve).listen(0, '127.0.0.1', () => console.log(server.address().port));
