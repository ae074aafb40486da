// send.mjs -- a program with OpenTelemetry in it: records a few values and exports them.
//
//   node send.mjs json|proto URL EXPORTS [gzip]
//
// Prints what its exporter says of trouble, one line each; ends with status 1 if an export failed.
import { diag, DiagLogLevel } from '@opentelemetry/api';
import { OTLPMetricExporter as Json } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as Proto } from '@opentelemetry/exporter-metrics-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';

const [form, url, exports, compression] = process.argv.slice(2);
let failed = 0;
const say = (...words) => console.log(words.join(' '));
const trouble = (...words) => {
  failed = 1;
  say(...words);
};
diag.setLogger(
  { error: trouble, warn: trouble, info() {}, debug() {}, verbose() {} },
  { logLevel: DiagLogLevel.WARN },
);

const exporter = new (form === 'json' ? Json : Proto)({
  url,
  compression: compression === 'gzip' ? 'gzip' : 'none',
  timeoutMillis: 10000,
});
const provider = new MeterProvider({
  resource: resourceFromAttributes({ 'service.name': 'demo' }),
  readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3600000 })],
});
const meter = provider.getMeter('demo');
const requests = meter.createCounter('requests', { unit: '1' });
const took = meter.createHistogram('took', { unit: 'ms' });
const users = meter.createGauge('users');

for (let i = 1; i <= Number(exports); i++) {
  requests.add(i, { path: '/login' });
  took.record(12.5 * i, { path: '/login' });
  users.record(i * 10);
  await provider.forceFlush();
}
await provider.shutdown();
process.exit(failed);
