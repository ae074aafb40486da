// readings.mjs -- a program with OpenTelemetry in it: reads a few numbers of this machine and exports
// them once.
//
//   node readings.mjs json|proto URL
//
// Prints each point as it was recorded, a line of JSON each: name, ms (since 1970), value. Ends with
// status 1 if the export failed.
import os from 'node:os';
import { diag, DiagLogLevel } from '@opentelemetry/api';
import { OTLPMetricExporter as Json } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as Proto } from '@opentelemetry/exporter-metrics-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';

const [form, url] = process.argv.slice(2);
let failed = 0;
const trouble = (...words) => {
  failed = 1;
  console.error(...words);
};
diag.setLogger(
  { error: trouble, warn: trouble, info() {}, debug() {}, verbose() {} },
  { logLevel: DiagLogLevel.WARN },
);

const exporter = new (form === 'json' ? Json : Proto)({ url, timeoutMillis: 10000 });
const send = exporter.export.bind(exporter);
exporter.export = (batch, done) => {
  for (const { metrics } of batch.scopeMetrics) {
    for (const { descriptor, dataPoints } of metrics) {
      for (const { endTime, value } of dataPoints) {
        const ms = endTime[0] * 1000 + Math.floor(endTime[1] / 1e6);
        console.log(JSON.stringify({ name: descriptor.name, ms, value }));
      }
    }
  }
  send(batch, done);
};

const provider = new MeterProvider({
  // The name of the host is what a site's rule keeps back.
  resource: resourceFromAttributes({ 'service.name': 'readings', 'host.name': os.hostname() }),
  readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3600000 })],
});
const meter = provider.getMeter('readings');
const read = (name, what) =>
  meter.createObservableGauge(name).addCallback((to) => to.observe(what()));
read('load', () => os.loadavg()[0]);
read('memory_used_mib', () => (os.totalmem() - os.freemem()) / 2 ** 20);
read('processors', () => os.cpus().length);
await provider.shutdown();
process.exit(failed);
