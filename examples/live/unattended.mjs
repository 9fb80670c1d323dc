// The run without a terminal: half-way a node is killed and revived, at the end everything settles and the
// books of all applications are compared.
import { setTimeout as delay } from 'node:timers/promises';
import { CheckpointService } from '@aisexec/ckpt';
import { openCounters, readCounter } from './application.mjs';
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
  note('quiet');
  const { ok, nodes, checks } = await compareBooks({ cluster, applications, victim });
  note(ok ? 'settled' : 'the books differ');
  return { ok, seconds, timeline, nodes, checks, text: asText({ ok, timeline, nodes, checks }) };
}

/** Ends the load, waits until everything settles, and compares what all nodes hold and all applications saw. */
export async function compareBooks({ cluster, applications, victim }) {
  const quiet = Promise.all(applications.map((application) => application.quiesce()));
  // A write that is still tried again would be on some nodes when we ask, and not on others.
  await Promise.race([quiet, delay(SETTLE_MS, undefined, { ref: false })]);
  const end = performance.now() + SETTLE_MS;
  let settled;
  let nodes;
  let before;
  do {
    settled = await settle(cluster, applications);
    before = viewsSeen(applications);
    nodes = await describeAll(cluster, applications);
    // Whoever was cut off while we asked, as a busy machine may do, has said what was true of another view.
  } while (viewsSeen(applications) !== before && performance.now() < end);
  const books = applications.map((application) => application.books);
  const checks = [
    sentence('everything settled', settled ? [] : ['events or states were still missing']),
    ...check(nodes, books),
    ...(victim === undefined
      ? []
      : [onlyLost(victim, nodes), nothingLost(nodes), tokensRise(books)]),
  ];
  return { ok: checks.every(({ ok }) => ok), nodes, checks };
}

async function describeAll(cluster, applications) {
  const nodes = [];
  for (const [index, node] of cluster.nodes.entries()) {
    nodes.push(await describe(node, applications[index].books, cluster));
  }
  const hashes = await onceEqual(() => hashesOf(cluster));
  const rings = await onceEqual(() => ringsOf(cluster));
  return nodes.map((node, index) => ({ ...node, ring: rings[index], stateHashes: hashes[index] }));
}

const viewsSeen = (applications) => applications.map(({ books }) => books.views.length).join();

/** Until every acknowledged event has arrived at those that never stopped listening, and states are equal. */
async function settle(cluster, applications) {
  const end = performance.now() + SETTLE_MS;
  while (performance.now() < end) {
    const published = applications.flatMap(({ books }) => books.published);
    const complete = applications
      .filter(({ books }) => isSteady(books))
      .every(({ books }) => missing(published, books.received).length === 0);
    const informed = applications.every(
      ({ books }) => books.views.at(-1)?.members.length === cluster.nodes.length,
    );
    if (complete && informed && areEqual(await hashesOf(cluster))) return true;
    await delay(100);
  }
  return false;
}

const hashesOf = ({ nodes }) => Promise.all(nodes.map((node) => stateHashes(node, SERVICES)));
const areEqual = (answers) =>
  answers.every((one) => JSON.stringify(one) === JSON.stringify(answers[0]));

const ringsOf = ({ nodes }) =>
  Promise.all(
    nodes.map(async (node) => {
      const { state, id, members } = (await statusOf(node, 5000))?.ring ?? {};
      return { state, id, members };
    }),
  );

/**
 * What the nodes say as soon as all say the same, or as it stays: the closing of our own connections may be on its way, and on a busy
 * machine one more ring.
 */
async function onceEqual(ask) {
  const end = performance.now() + SETTLE_MS;
  for (;;) {
    const answers = await ask();
    if (areEqual(answers) || performance.now() > end) return answers;
    await delay(50);
  }
}

async function describe(node, books, cluster) {
  const status = await statusOf(node, 5000);
  const service = await CheckpointService.connect({ socket: node.socket });
  const checkpoint = await openCounters(service);
  const counters = {};
  for (const other of cluster.nodes) counters[other.name] = await readCounter(checkpoint, other);
  await service.close();
  return {
    node: node.name,
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
    errors: books.errors,
  };
}

/** Each check is a sentence, whether it holds, and what contradicts it. */
function check(nodes, allBooks) {
  const steady = allBooks.filter(isSteady);
  const published = allBooks.flatMap((books) => books.published);
  const grants = grantsOf(allBooks);
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
      'every acknowledged event was delivered, or its loss announced',
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
    sentence(
      'no acknowledged checkpoint write was undone',
      allBooks.flatMap(({ lostWrites }) => lostWrites),
    ),
    sentence('no lock token was given twice', repeated(grants.map(({ token }) => token))),
    sentence(
      'work was done on every node',
      nodes
        .filter((node) => node.eventsPublished * node.checkpointWrites * node.locksHeld === 0)
        .map(({ node }) => `${node} did not get anything done`),
    ),
  ];
}

/** Listened throughout: never reconnected, and was never told that events are missing (a pause does that). */
function isSteady({ sessions, received }) {
  return sessions === 1 && !received.includes('lost');
}

function nothingLost(nodes) {
  const against = nodes
    .filter(({ sessions, lostMarkers }) => sessions === 1 && lostMarkers > 0)
    .map(({ node, lostMarkers }) => `${node} was told ${lostMarkers} times`);
  return sentence('no loss of events was announced where nobody was killed', against);
}

function onlyLost(victim, nodes) {
  const against = nodes
    .filter(({ node, sessions }) => (node === victim.name) !== sessions > 1)
    .map(({ node, sessions }) => `${node} had ${sessions} sessions`);
  return sentence(`only ${victim.name} lost its connection`, against);
}

/** A check: what is to hold, and what contradicts it. */
export const sentence = (text, against) => ({
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
  if (first === undefined) return [];
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

/** In the order of their tokens grants begin one after the other. (A paused executive may tell of one late.) */
function tokensRise(books) {
  const grants = grantsOf(books);
  const against = grants
    .slice(1)
    .filter((grant, index) => grant.from < grants[index].from)
    .map(({ token }) => `token ${token} was granted before a lower one`);
  return sentence('lock tokens rise with time', against);
}

const grantsOf = (books) =>
  books
    .flatMap(({ grants }) => grants)
    .sort((a, b) => (BigInt(a.token) < BigInt(b.token) ? -1 : 1));

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
