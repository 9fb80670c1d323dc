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

const cluster = await LocalCluster.start({ nodes });
// Whatever happens to this process, no executive outlives it.
process.on('exit', () => cluster.killAll());
const applications = cluster.nodes.map((node) => new Application(node));
const context = { cluster, applications, startedAt: performance.now() };

const stop = async (status) => {
  await Promise.all(applications.map((application) => application.stop()));
  await cluster.stop();
  process.exit(status);
};

await Promise.all(applications.map((application) => application.start()));
for (const application of applications) application.begin();
if (seconds === undefined) {
  await runInteractive(context);
  await stop(0);
} else {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop(130));
  const report = await runUnattended(context, seconds);
  console.log(values.format === 'json' ? JSON.stringify(report, null, 2) : report.text.join('\n'));
  await stop(report.ok ? 0 : 1);
}
