// The run without a terminal: half-way a node is killed and revived, at the end everything settles and the
// books of all applications are compared.
import { setTimeout as delay } from 'node:timers/promises';
import { CheckpointService } from '@aisexec/ckpt';
import { openCounters, readCounter, sectionOf } from './application.mjs';
import { stateHashes, statusOf } from './status.mjs';

const SERVICES = ['clm', 'lck', 'evt', 'ckpt'];
const REVIVE_AFTER_MS = 1500;
const SETTLE_MS = 20_000;

export async function runUnattended({ cluster, applications, startedAt }, seconds) {
  const victim = cluster.nodes[cluster.nodes.length - 1];
  const timeline = [];
  const note = (what) => timeline.push({ atMs: Math.round(performance.now() - startedAt), what });

  note('started');
  await delay((seconds * 1000) / 2);
  note(`kill -9 ${victim.name}`);
  victim.kill();
  await victim.exited();
  await delay(REVIVE_AFTER_MS);
  await victim.start();
  note(`${victim.name} is back`);
  await delay(Math.max(0, seconds * 1000 - (performance.now() - startedAt)));
  for (const application of applications) application.quiesce();
  note('quiet');

  const nodes = [];
  const settled = await settle(cluster, applications);
  note(settled ? 'settled' : 'did not settle');
  for (const [index, node] of cluster.nodes.entries()) {
    nodes.push(await describe(node, applications[index].books, cluster));
  }
  const checks = check(
    nodes,
    applications.map(({ books }) => books),
    victim,
  );
  const ok = settled && checks.every(({ ok }) => ok);
  return { ok, seconds, timeline, nodes, checks, text: asText({ ok, timeline, nodes, checks }) };
}

/** Until every acknowledged event has arrived at those that never stopped listening, and states are equal. */
async function settle(cluster, applications) {
  const end = performance.now() + SETTLE_MS;
  while (performance.now() < end) {
    const published = applications.flatMap(({ books }) => books.published);
    const complete = applications
      .filter(({ books }) => books.sessions === 1)
      .every(({ books }) => missing(published, books.received).length === 0);
    const hashes = await Promise.all(cluster.nodes.map((node) => stateHashes(node, SERVICES)));
    const equal = hashes.every((one) => JSON.stringify(one) === JSON.stringify(hashes[0]));
    if (complete && equal) return true;
    await delay(100);
  }
  return false;
}

async function describe(node, books, cluster) {
  const status = await statusOf(node, 5000);
  const service = await CheckpointService.connect({ socket: node.socket });
  const checkpoint = await openCounters(service);
  const counters = {};
  for (const other of cluster.nodes)
    counters[sectionOf(other)] = await readCounter(checkpoint, other);
  await service.close();
  return {
    node: node.name,
    ring: status?.ring,
    quorum: status?.quorum,
    lastView: books.views.at(-1),
    viewsSeen: books.views.length,
    sessions: books.sessions,
    eventsPublished: books.published.length,
    eventsReceived: books.received.length,
    lostMarkers: books.received.filter((id) => id === 'lost').length,
    checkpointWrites: books.writes,
    lastAcknowledgedCounter: books.writtenCounter,
    counters,
    locksHeld: books.grants.length,
    stateHashes: await stateHashes(node, SERVICES),
    errors: books.errors,
  };
}

/** Each check is a sentence, whether it holds, and what contradicts it. */
function check(nodes, allBooks, victim) {
  const steady = allBooks.filter((books) => books.sessions === 1);
  const published = allBooks.flatMap((books) => books.published);
  const grants = allBooks
    .flatMap((books) => books.grants)
    .sort((a, b) => (BigInt(a.token) < BigInt(b.token) ? -1 : 1));
  return [
    sentence('all nodes are in one ring', different(nodes.map(({ ring }) => ring?.id))),
    sentence(
      'all nodes see the same members',
      different(nodes.map(({ lastView }) => lastView?.members.join())),
    ),
    sentence(
      'all replicas have the same state',
      different(nodes.map((node) => JSON.stringify(node.stateHashes))),
    ),
    sentence(
      'every acknowledged event was delivered wherever nobody was killed',
      steady.flatMap((books) => missing(published, books.received)),
    ),
    sentence(
      'no event was delivered twice',
      allBooks.flatMap((books) => repeated(books.received)),
    ),
    sentence('all saw the events in one order', disorder(steady.map((books) => books.received))),
    sentence(
      'every acknowledged checkpoint write is on every node',
      nodes.flatMap((node) =>
        nodes
          .filter((writer) => node.counters[writer.node] < writer.lastAcknowledgedCounter)
          .map(
            (writer) =>
              `${node.node} has ${node.counters[writer.node]} of ${writer.node}, not ${writer.lastAcknowledgedCounter}`,
          ),
      ),
    ),
    sentence('lock tokens never repeat and rise with time', overlaps(grants)),
    sentence(
      `only ${victim.name} lost its connection`,
      nodes
        .filter(({ node, sessions }) => (node === victim.name) !== sessions > 1)
        .map(({ node, sessions }) => `${node} had ${sessions} sessions`),
    ),
    sentence(
      'work was done on every node',
      nodes
        .filter((node) => node.eventsPublished * node.checkpointWrites * node.locksHeld === 0)
        .map(({ node }) => `${node} did not get anything done`),
    ),
  ];
}

const sentence = (text, against) => ({
  ok: against.length === 0,
  check: text,
  against: against.slice(0, 10),
});

const different = (values) =>
  values.every((value) => value !== undefined && value === values[0]) ? [] : values.map(String);

function missing(wanted, received) {
  const have = new Set(received);
  return wanted.filter((id) => !have.has(id));
}

function repeated(received) {
  const seen = new Set();
  return received.filter((id) => id !== 'lost' && (seen.has(id) || !seen.add(id)));
}

/** Two logs of one total order: from the first common entry on, one is the other's prefix. */
function disorder(logs) {
  const [first, ...others] = logs;
  if (first === undefined) return ['nobody listened throughout'];
  return others.flatMap((log) => {
    const start = Math.max(log.indexOf(first[0]), 0);
    const offset = Math.max(first.indexOf(log[start]), 0);
    const length = Math.min(first.length - offset, log.length - start);
    for (let i = 0; i < length; i++) {
      if (first[offset + i] !== log[start + i])
        return [`${first[offset + i]} here, ${log[start + i]} there`];
    }
    return [];
  });
}

/** Grants in the order of their tokens: each begins after the one before ended. */
function overlaps(grants) {
  return grants.slice(1).flatMap((grant, index) => {
    const before = grants[index];
    if (before.token === grant.token) return [`token ${grant.token} twice`];
    return before.until !== undefined && grant.from < before.from
      ? [`token ${grant.token} was granted before ${before.token}`]
      : [];
  });
}

function asText({ ok, timeline, nodes, checks }) {
  return [
    ...timeline.map(({ atMs, what }) => `${String(atMs).padStart(7)} ms  ${what}`),
    '',
    ...nodes.map(
      (node) =>
        `${node.node}: ring ${node.ring?.id}, members ${node.lastView?.members.join(' ')}, ${node.eventsReceived} events, ` +
        `${node.checkpointWrites} writes, ${node.locksHeld} locks`,
    ),
    '',
    ...checks.map(
      ({ ok, check, against }) =>
        `${ok ? 'yes' : 'NO '}  ${check}${ok ? '' : `: ${against.join('; ')}`}`,
    ),
    '',
    ok ? 'All nodes agree, nothing acknowledged was lost.' : 'The nodes do not agree.',
  ];
}
