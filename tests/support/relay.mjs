// relay.mjs -- a scripted relay for tests of gapferry-link: it answers as a relay does, or as the file
// `behave` (JSON) in its folder says at the moment of the request.
//
//   node relay.mjs FOLDER HELLO KEYS [PORT [HOST [KEY.pem CERT.pem]]]
//
//   FOLDER/behave      {"hello": ..., "post": STATUS, "get": STATUS, "retry": SECONDS, "trim": BYTES,
//                       "pad": BYTES, "error": TEXT, "page": TEXT, "size": N, "reply": TEXT}; missing: as a relay does
//   FOLDER/log         a line for each request: METHOD PATH BYTES STATUS
//   FOLDER/bundles/    what was posted
//   FOLDER/responses/  ID.gfb: what waits for whoever posts
//
// hello: "replay" (the first hello again), "stranger" (signed with FOLDER/stranger), a status, or text
// that is sent as it is. Its first line tells the port.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';

const [folder, helloProgram, keys, port = '0', host = '127.0.0.1', key, cert] = process.argv.slice(2);
const at = (name) => `${folder}/${name}`;
for (const d of ['bundles', 'responses']) fs.mkdirSync(at(d), { recursive: true });
let first;

function behaviour() {
  try {
    return JSON.parse(fs.readFileSync(at('behave'), 'utf8'));
  } catch {
    return {};
  }
}

function hello(b, nonce) {
  if (typeof b.hello === 'number') return [b.hello, ''];
  if (b.hello === 'replay' && first) return [200, first];
  if (b.hello === 'stranger') return [200, execFileSync(helloProgram, [at('stranger'), nonce])];
  if (b.hello && b.hello !== 'replay') return [200, b.hello];
  const signed = execFileSync(helloProgram, [keys, nonce]);
  first ??= signed;
  return [200, signed];
}

function refusal(b, status) {
  if (b.page) return [status, b.page];
  return [status, JSON.stringify({ error: { code: 'sender', text: b.error ?? 'no, said the script' } })];
}

function post(b, body) {
  const id = /"id": ?"([0-9a-f]{32})"/.exec(body.subarray(0, 2048).toString('latin1'))?.[1];
  if (b.post) return refusal(b, b.post);
  if (b.reply) return [200, b.reply];
  const file = at(`bundles/${id}.gfb`);
  const state = fs.existsSync(file) ? 'seen' : 'taken';
  fs.writeFileSync(file, body);
  const responses = fs.readdirSync(at('responses')).map((name) => ({
    id: name.slice(0, -4),
    size: b.size ?? fs.statSync(at(`responses/${name}`)).size,
  }));
  return [200, JSON.stringify({ bundle: id, state, responses })];
}

function get(b, path) {
  const file = at(`responses/${path.split('/').pop()}.gfb`);
  if (b.get) return refusal(b, b.get);
  if (!fs.existsSync(file)) return refusal(b, 404);
  const bytes = fs.readFileSync(file);
  return [200, Buffer.concat([bytes.subarray(0, bytes.length - (b.trim ?? 0)), Buffer.alloc(b.pad ?? 0)])];
}

function answer(request, body) {
  const url = new URL(request.url, 'http://x');
  const b = behaviour();
  if (url.pathname === '/v1/hello') return hello(b, url.searchParams.get('nonce'));
  if (request.method === 'POST' && url.pathname === '/v1/bundles') return post(b, body);
  if (url.pathname.startsWith('/v1/responses/')) return get(b, url.pathname);
  return [404, ''];
}

function serve(request, response) {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts);
    const [status, text] = answer(request, body);
    const { retry } = behaviour();
    fs.appendFileSync(at('log'), `${request.method} ${request.url.split('?')[0]} ${body.length} ${status}\n`);
    response.writeHead(status, {
      'Content-Length': Buffer.byteLength(text),
      ...(status >= 300 && status < 400 ? { Location: 'https://portal.example/login' } : {}),
      ...(retry ? { 'Retry-After': retry } : {}),
    });
    response.end(text);
  });
}

const server = key
  ? https.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) }, serve)
  : http.createServer(serve);
server.listen(Number(port), host, () => console.log(server.address().port));
