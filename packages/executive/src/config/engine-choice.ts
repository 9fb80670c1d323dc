/** Which engine carries the messages, and the rules about the keys that go with each. */
import type { ExecutiveConfig } from './config.ts';
import type { ConfigFile } from './schema.ts';
import type { Path } from './source.ts';

/**
 * Keys that the engine `corosync` has no use for are mistakes: whoever sets them expects something of them.
 */
export function engineOf(
  file: ConfigFile,
  complain: (path: Path, text: string) => void,
): ExecutiveConfig['engine'] {
  const { engine = 'totem', quorum, services } = file;
  if (engine === 'totem') {
    if (file.corosync !== undefined) complain(['corosync'], "only with 'engine: corosync'");
    if (quorum?.provider === 'corosync') {
      complain(['quorum', 'provider'], "corosync: only with 'engine: corosync'");
    }
    return engine;
  }
  const elsewhere = 'this is the business of corosync.conf with the engine corosync';
  if (file.totem !== undefined) complain(['totem'], elsewhere);
  if (quorum?.provider === 'votequorum') {
    complain(['quorum', 'provider'], `votequorum: ${elsewhere}; corosync and none are possible`);
  }
  for (const key of ['expected_votes', 'two_node', 'wait_for_all'] as const) {
    if (quorum?.[key] !== undefined) complain(['quorum', key], elsewhere);
  }
  if (services?.includes('cpg') === true) {
    const text = 'cpg: with the engine corosync libcpg itself is at hand';
    complain(['services', services.indexOf('cpg')], text);
  }
  if (file.node?.id === undefined && file.nodelist === undefined) {
    complain(['engine'], "corosync needs to know this node: set node.id to Corosync's nodeid");
  }
  return engine;
}
