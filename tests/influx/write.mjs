// write.mjs -- programs that know InfluxDB, with its own clients.
//
//   node write.mjs v1 URL   the client of 1.x: creates its database, asks who is there, writes
//   node write.mjs v2 URL   the client of 2.x: batches in gzip, comes again after 429 and 503
//
// Prints what was answered, one line each; ends with status 1 if a write failed.
import { InfluxDB as V2, Point, setLogger } from '@influxdata/influxdb-client';
import { FieldType, InfluxDB as V1 } from 'influx';

const [version, url] = process.argv.slice(2);
const say = (...words) => console.log(words.join(' '));

async function v1() {
  const { hostname, port } = new URL(url);
  const influx = new V1({
    host: hostname,
    port: Number(port),
    database: 'site',
    username: 'somebody',
    password: 'not-to-be-logged',
    schema: [
      {
        measurement: 'cpu',
        fields: { usage: FieldType.FLOAT, users: FieldType.INTEGER, up: FieldType.BOOLEAN, state: FieldType.STRING },
        tags: ['host', 'cpu'],
      },
    ],
  });
  await influx.createDatabase('site');
  const [peer] = await influx.ping(5000);
  say('ping', peer.online, peer.version);
  const fields = { usage: 1.5, users: 3, up: true, state: 'say "fine", a=b\\' };
  for (const [i, precision] of ['s', 'ms', 'u', 'n'].entries())
    await influx.writePoints(
      [{ measurement: 'cpu', tags: { host: 'db1.grid', cpu: `cpu ${i}` }, fields, timestamp: new Date(1700000000123) }],
      { precision },
    );
  await influx.writePoints([{ measurement: 'cpu', tags: { cpu: 'now' }, fields }]);
  say('written');
}

async function v2() {
  let left = 3000;
  setLogger({ error: (m, e) => say('error', m, e), warn: (m, e) => say('warn', m, e) });
  const writer = new V2({ url, token: 'not-to-be-logged' }).getWriteApi('org', 'bucket', 'ms', {
    batchSize: 1000,
    gzipThreshold: 1000,
    minRetryDelay: 200,
    maxRetryDelay: 1000,
    defaultTags: { host: 'db1.grid' },
    writeSuccess: (lines) => (left -= lines.length),
  });
  for (let i = 0; i < 3000; i++)
    writer.writePoint(new Point('took').tag('path', '/log in').floatField('ms', i + 0.5).timestamp(1700000000000 + i));
  // Once closed it does not come again.
  for (let i = 0; i < 300 && left > 0; i++) {
    await writer.flush(false);
    await new Promise((done) => setTimeout(done, 100));
  }
  await writer.close();
  if (left !== 0) throw new Error(`${left} points were not written`);
  say('written');
}

try {
  await (version === 'v1' ? v1() : v2());
} catch (e) {
  say('failed', e.statusCode ?? e.res?.statusCode ?? '', e.body ?? e.message);
  process.exit(1);
}
