/** The section `quorum`: who votes how, and which options of votequorum(5) go together. */
import type { ExecutiveConfig, NodeConfig } from './config.ts';
import type { ConfigFile } from './schema.ts';
import type { Complain } from './source.ts';
import * as defaults from './timings.ts';

export function quorumOf(
  { engine, quorum = {}, nodelist = [], services = [] }: ConfigFile,
  nodes: readonly NodeConfig[],
  complain: Complain,
): ExecutiveConfig['quorum'] {
  const given = nodelist.filter((entry) => entry.votes !== undefined);
  const votes = Object.fromEntries(given.map((entry) => [entry.id, entry.votes!]));
  const sum = nodes.reduce((total, { id }) => total + (votes[id] ?? 1), 0);
  const { provider = engine === 'corosync' ? 'corosync' : 'votequorum' } = quorum;
  const { expected_votes: expectedVotes = Math.max(1, sum) } = quorum;
  const { two_node: twoNode = false, wait_for_all: waitForAll = twoNode } = quorum;
  const { allow_downscale: allowDownscale = false } = quorum;
  if (expectedVotes < sum) {
    const text = `${expectedVotes} is less than the ${sum} votes of the ${nodes.length} nodes in the nodelist`;
    complain(['quorum', 'expected_votes'], text);
  }
  if (twoNode && expectedVotes !== 2) {
    const text = `two_node needs exactly 2 expected votes, there are ${expectedVotes}`;
    complain(['quorum', 'two_node'], text);
  }
  const inCorosync = services.includes('cpg');
  const special = specialVotes(quorum, { sum, twoNode, waitForAll, votes, inCorosync }, complain);
  return {
    ...{ provider, expectedVotes, twoNode, waitForAll, votes, allowDownscale, ...special },
    ...moduleOf(quorum, complain),
  };
}

type QuorumKeys = NonNullable<ConfigFile['quorum']>;

/** The rules of votequorum(5) for options that do not go together; Corosync drops one of them with a line in its log. */
function specialVotes(
  quorum: QuorumKeys,
  known: Pick<ExecutiveConfig['quorum'], 'twoNode' | 'waitForAll' | 'votes'> & {
    sum: number;
    /** A member of a ring of C daemons decides as they do. */
    inCorosync: boolean;
  },
  complain: Complain,
): Pick<ExecutiveConfig['quorum'], 'autoTieBreaker' | 'lastManStandingMs'> {
  const { auto_tie_breaker: tie = false, auto_tie_breaker_node: node } = quorum;
  const { last_man_standing: standing = false, last_man_standing_window: window } = quorum;
  if (tie && known.twoNode) {
    complain(
      ['quorum', 'auto_tie_breaker'],
      'cannot be beside two_node, which lets both halves go on',
    );
  }
  if (tie && !known.waitForAll && known.sum % 2 === 1) {
    const text = `needs wait_for_all where the votes are odd (${known.sum}): else a part that restarts could be a second one`;
    complain(['quorum', 'auto_tie_breaker'], text);
  }
  if (tie && standing && !known.inCorosync) {
    const text = 'cannot be beside last_man_standing: two parts could be quorate (ADR 0161)';
    complain(['quorum', 'auto_tie_breaker'], text);
  }
  if (standing && Object.values(known.votes).some((votes) => votes > 1)) {
    complain(['quorum', 'last_man_standing'], 'needs nodes with one vote each');
  }
  if (!tie && node !== undefined) {
    complain(['quorum', 'auto_tie_breaker_node'], 'means nothing without auto_tie_breaker');
  }
  return {
    ...(tie ? { autoTieBreaker: node ?? 'lowest' } : {}),
    ...(standing ? { lastManStandingMs: window ?? defaults.LAST_MAN_STANDING_MS } : {}),
  };
}

function moduleOf(
  { module, config, provider }: QuorumKeys,
  complain: Complain,
): Pick<ExecutiveConfig['quorum'], 'module' | 'config'> {
  if (module === undefined) {
    if (config !== undefined) complain(['quorum', 'config'], 'means nothing without module');
    return {};
  }
  if (provider !== undefined) complain(['quorum', 'module'], 'takes the place of provider');
  return { module, config };
}
