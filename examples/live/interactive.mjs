// The run in a terminal: a live view, and keys that hurt the cluster.
import { statusOf } from './status.mjs';
import { openTerminal, renderRows } from './view.mjs';

const REFRESH_MS = 250;
const GRANTS_SHOWN = 4;
const LOG_KEPT = 100;

/** Resolves when the person quits. */
export async function runInteractive({ cluster, applications, startedAt }) {
  const log = [];
  const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(1);
  const note = (text) => {
    log.push({ at: `${seconds()} s`, text });
    if (log.length > LOG_KEPT) log.shift();
  };
  let selected = cluster.nodes.length;
  const rates = new Map();
  const seenViews = new Map();

  await new Promise((resolve) => {
    const timer = setInterval(() => void refresh(), REFRESH_MS);
    const quit = () => {
      clearInterval(timer);
      terminal.close();
      resolve();
    };
    const terminal = openTerminal((key) => {
      if (key === 'quit') return quit();
      if (/^[1-9]$/.test(key) && Number(key) <= cluster.nodes.length) selected = Number(key);
      act(key, cluster.nodes[selected - 1]);
    });
    process.once('SIGTERM', quit);
    let busy = false;
    const refresh = async () => {
      if (busy) return;
      busy = true;
      const nodes = await Promise.all(
        cluster.nodes.map((node, index) => describe(node, applications[index])),
      );
      terminal.draw(
        renderRows({
          seconds: Math.floor(Number(seconds())),
          nodes,
          lock: lockOf(applications, cluster),
          log,
          selected,
        }),
      );
      busy = false;
    };
    void refresh();
  });

  function act(key, node) {
    if (key === 'k' && node.condition !== 'down') {
      note(`kill -9 ${node.name}`);
      node.kill();
    } else if (key === 'p' && node.condition === 'up') {
      node.pause();
      note(`${node.name} is paused (SIGSTOP)`);
    } else if (key === 'p' && node.condition === 'paused') {
      node.resume();
      note(`${node.name} runs again (SIGCONT)`);
    } else if (key === 'r' && node.condition === 'down') {
      note(`${node.name} starts`);
      node.start().then(
        () => note(`${node.name} is back`),
        (error) => note(`${node.name}: ${error.message.split('\n')[0]}`),
      );
    }
  }

  async function describe(node, { books }) {
    noteViews(node, books);
    const status = node.condition === 'up' ? await statusOf(node) : undefined;
    const rate = rateOf(node, books);
    return {
      id: node.id,
      name: node.name,
      condition: node.condition,
      pid: node.pid,
      ring: status?.ring.id ?? '',
      state: status?.ring.state ?? '',
      members: status?.ring.members ?? [],
      quorate: status === undefined ? '' : status.quorum.quorate ? 'yes' : 'no',
      view: status === undefined ? '' : books.views.at(-1)?.view,
      ...rate,
    };
  }

  function noteViews(node, books) {
    const known = seenViews.get(node.id) ?? 0;
    for (const { view, members } of books.views.slice(known)) {
      note(`${node.name} sees view ${view}: members ${members.join(' ')}`);
    }
    seenViews.set(node.id, books.views.length);
  }

  /** Per second, over the last few refreshes. */
  function rateOf(node, books) {
    const now = {
      at: performance.now(),
      events: books.received.length,
      writes: books.writes,
      locks: books.grants.length,
    };
    const history = rates.get(node.id) ?? [];
    history.push(now);
    if (history.length > 8) history.shift();
    rates.set(node.id, history);
    const first = history[0];
    const per = (field) =>
      Math.round(((now[field] - first[field]) * 1000) / Math.max(1, now.at - first.at));
    return {
      eventsPerSecond: per('events'),
      writesPerSecond: per('writes'),
      locksPerSecond: per('locks'),
    };
  }
}

function lockOf(applications, cluster) {
  const nameOf = (index) => cluster.nodes[index].name;
  const holder = applications.findIndex(({ books }) => books.holding !== undefined);
  const grants = applications
    .flatMap(({ books }, index) =>
      books.grants.slice(-GRANTS_SHOWN).map(({ token }) => ({ node: nameOf(index), token })),
    )
    .sort((a, b) => (BigInt(a.token) < BigInt(b.token) ? -1 : 1))
    .slice(-GRANTS_SHOWN);
  return {
    name: 'turn',
    holder: holder < 0 ? undefined : nameOf(holder),
    token: applications[holder]?.books.holding?.token,
    waiting: applications.flatMap(({ books }, index) => (books.waiting ? [nameOf(index)] : [])),
    grants,
  };
}
