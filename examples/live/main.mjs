// `npm start`: three executives on this machine, an application on each of them that uses all four
// services, and a live view. `npm start -- --seconds 20 --format json` runs without a terminal, kills and
// revives a node half-way, and prints one JSON document; exit status 0 only if all nodes agree and nothing
// that was acknowledged is lost.
import { parseArgs } from 'node:util';
import { LocalCluster } from '@aisexec/executive/local-cluster';
import { Application } from './application.mjs';
import { runInteractive } from './interactive.mjs';
import { runUnattended } from './unattended.mjs';

const HELP = `npm start -- [options]

  --nodes N        executives to start (default 3, at most 9)
  --seconds S      run for S seconds without a terminal, then print what each node saw
  --format F       text (default) or json, with --seconds
`;

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '3' },
    seconds: { type: 'string' },
    format: { type: 'string', default: 'text' },
    help: { type: 'boolean', default: false },
  },
});
const nodes = Number(values.nodes);
const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
const isUsable =
  Number.isInteger(nodes) &&
  nodes >= 2 &&
  nodes <= 9 &&
  (seconds === undefined || seconds >= 5) &&
  ['text', 'json'].includes(values.format);

if (values.help || !isUsable) {
  console.error(
    isUsable ? HELP : `Use 2 to 9 nodes, 5 seconds or more, format text or json.\n\n${HELP}`,
  );
  process.exit(values.help ? 0 : 64);
}
if (seconds === undefined && !(process.stdin.isTTY && process.stdout.isTTY)) {
  console.error(
    `No terminal here. Run it unattended, e.g.: npm start -- --seconds 20 --format json\n\n${HELP}`,
  );
  process.exit(64);
}

let cluster;
let applications = [];
let stopping;
/** Ends everything that was started, once, however far the start got. */
const stop = (status) => {
  stopping ??= (async () => {
    await Promise.all(applications.map((application) => application.stop()));
    await cluster?.stop();
    process.exit(status);
  })();
  return stopping;
};
const preparing = LocalCluster.prepare({ nodes });
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => preparing.then(() => stop(130)));
}
cluster = await preparing;
// Whatever happens to this process, no executive outlives it.
process.on('exit', () => cluster.killAll());
applications = cluster.nodes.map((node) => new Application(node));
const context = { cluster, applications, startedAt: performance.now() };
try {
  await cluster.startAll();
  await Promise.all(applications.map((application) => application.start()));
} catch (error) {
  if (stopping === undefined) console.error(error.message);
  await stop(1);
}
for (const application of applications) application.begin();
if (seconds === undefined) {
  await runInteractive(context);
  await stop(0);
} else {
  const report = await runUnattended(context, seconds);
  console.log(values.format === 'json' ? JSON.stringify(report, null, 2) : report.text.join('\n'));
  await stop(report.ok ? 0 : 1);
}
