// extract.mjs -- write the age test vectors of npm's cctv-age to a directory, each as NAME.txt
// (its header lines) and NAME.age (the file, inflated), for tests/unit/test_cctv.c.
//
//   npm ci --ignore-scripts && node extract.mjs DIRECTORY

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import * as vectors from 'cctv-age';

const directory = process.argv[2];
if (directory === undefined) {
  console.error('usage: node extract.mjs DIRECTORY');
  process.exit(64);
}
mkdirSync(directory, { recursive: true });

let count = 0;
for (const [name, bytes] of Object.entries(vectors)) {
  if (!(bytes instanceof Uint8Array) || !/^[a-z0-9_]+$/.test(name)) continue;
  const file = Buffer.from(bytes);
  const end = file.indexOf('\n\n');
  if (end < 0) throw new Error(`${name}: no empty line between header and file`);
  const header = file.subarray(0, end + 1);
  const body = file.subarray(end + 2);
  const compressed = /^compressed: (.*)$/m.exec(header.toString('utf8'))?.[1];
  if (compressed !== undefined && compressed !== 'zlib') {
    throw new Error(`${name}: compressed in an unknown way: ${compressed}`);
  }
  writeFileSync(join(directory, `${name}.txt`), header);
  writeFileSync(join(directory, `${name}.age`), compressed ? inflateSync(body) : body);
  count++;
}
console.log(`${count} vectors in ${directory}`);
