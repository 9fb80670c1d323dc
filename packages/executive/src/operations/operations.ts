/**
 * What an operator sees and changes while the executive runs: metrics, the level of the log, the flight record, the
 * reload of the configuration. Apart from the executive itself, so that nothing of it is needed to serve clients.
 */
import { chmodSync } from 'node:fs';
import { createAccessRule, namesPeople } from '../admin/access.ts';
import type { ExecutiveConfig } from '../config/config.ts';
import { loadPeerCredentials } from '../drivers/native.ts';
import { LOG_LEVELS, type LogLevel } from '../log/levels.ts';
import { createCollector } from '../metrics/collector.ts';
import { type MetricsServer, serveMetrics } from '../metrics/server.ts';
import {
  type Agreement,
  createAgreement,
  type Prepared,
  type ReloadResult,
} from '../reload/agreement.ts';
import { bounded, differences, differenceText, refusals } from '../reload/difference.ts';
import type { ExecutiveStatus } from '../status.ts';
import type { Operations, OperatorHooks } from './contract.ts';

export interface OperationsOptions {
  readonly config: ExecutiveConfig;
  readonly hooks: OperatorHooks | undefined;
  readonly status: () => ExecutiveStatus;
  /** Path of the clients' socket; undefined: there is none. */
  readonly socket: () => string | undefined;
  readonly trace: (event: string, detail: Readonly<Record<string, unknown>>) => void;
}

const EMBEDDED = 'this executive is embedded in a program, which has none of that';

export function createOperations(options: OperationsOptions): Operations {
  const { hooks, status, socket, trace } = options;
  let { config } = options;
  const ownUid = process.getuid?.() ?? -1;
  let access = createAccessRule(config.ipc, ownUid);
  const collector = createCollector();
  let server: MetricsServer | undefined;
  let agreement: Agreement | undefined;
  const metrics = () => collector.text(status());

  const listen = (next: ExecutiveConfig) =>
    next.metrics === undefined ? undefined : serveMetrics(next.metrics, { status, metrics });

  async function prepare(): Promise<Prepared> {
    const unable = (refused: readonly string[]): Prepared => ({
      ...{ changed: [], refused: refused.map(bounded) },
      commit: () => {},
      drop: () => {},
    });
    try {
      const { config: next, problems } = hooks?.loadConfig() ?? { problems: [EMBEDDED] };
      if (next === undefined) return unable(problems);
      const found = differences(config, next);
      const changed = found.filter(({ reloadable }) => reloadable).map(differenceText);
      const refused = [...refusals(found), ...credentialProblem(next)];
      if (refused.length > 0) return { ...unable(refused), changed };
      const isMoved = found.some(({ key }) => key.startsWith('metrics'));
      const opened = isMoved ? await listen(next) : undefined;
      return {
        ...{ changed, refused },
        commit: () => apply(next, isMoved, opened),
        drop: () => void opened?.close(),
      };
    } catch (error) {
      return unable([(error as Error).message]);
    }
  }

  function apply(next: ExecutiveConfig, isMoved: boolean, opened: MetricsServer | undefined): void {
    const { log, ipc } = config;
    config = next;
    if (hooks !== undefined && log.level !== next.log.level) setLevel(hooks, next.log.level);
    access = createAccessRule(next.ipc, ownUid);
    const path = socket();
    if (path !== undefined && ipc.mode !== next.ipc.mode) chmodSync(path, next.ipc.mode);
    if (!isMoved) return;
    void server?.close();
    server = opened;
    if (opened !== undefined) trace('metrics-listening', { address: opened.address });
  }

  function setLevel(to: OperatorHooks, level: LogLevel): void {
    const from = to.logLevel;
    // Told while the log shows it.
    const isShownAfter = LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf('info');
    if (isShownAfter) to.logLevel = level;
    trace('log-level', { from, to: level });
    to.logLevel = level;
  }

  function ended({ outcome, reasons, nodes }: ReloadResult, self: number): void {
    collector.reloaded(outcome === 'applied', Date.now() / 1000);
    const changed = nodes.find(({ node }) => node === self)?.changed ?? [];
    if (outcome === 'applied') trace('reloaded', { changed });
    else trace('reload-refused', { reasons });
  }

  async function reloadLocal(dry: boolean): Promise<ReloadResult> {
    const node = config.node.id;
    const prepared = await prepare();
    const { changed, refused } = prepared;
    const isApplied = refused.length === 0 && !dry;
    if (isApplied) prepared.commit();
    else prepared.drop();
    const result: ReloadResult = {
      outcome: refused.length > 0 ? 'refused' : dry ? 'dry' : 'applied',
      reasons: refused.map((reason) => `node ${node}: ${reason}`),
      nodes: [{ node, changed, refused }],
    };
    if (!dry) ended(result, node);
    return result;
  }

  return {
    get config() {
      return config;
    },
    access: (service, who) => access(service, who),
    event: (event) => collector.event(event, performance.now()),
    token: (now) => collector.token(now),
    noToken: () => collector.noToken(),
    async serve() {
      server = await listen(config);
      if (server !== undefined) trace('metrics-listening', { address: server.address });
    },
    join(messaging, voters) {
      agreement = createAgreement({
        ...{ messaging, voters, prepare, trace },
        ended: (result) => ended(result, messaging.nodeId),
      });
    },
    metrics,
    logLevel(level) {
      if (hooks === undefined) return { refused: EMBEDDED };
      if (level !== undefined && level !== null) {
        const known = LOG_LEVELS.find((name) => name === level);
        if (known === undefined) return { refused: `a level is one of ${LOG_LEVELS.join(', ')}` };
        setLevel(hooks, known);
      }
      return { level: hooks.logLevel };
    },
    dump() {
      if (hooks === undefined) return { refused: EMBEDDED };
      try {
        return { path: hooks.dump('asked for') };
      } catch (error) {
        return { refused: `the flight record cannot be written: ${(error as Error).message}` };
      }
    },
    reload({ dry, local }) {
      if (local || agreement === undefined) return reloadLocal(dry);
      return agreement.reload(dry);
    },
    async stop() {
      agreement?.stop();
      collector.stop();
      await server?.close();
    },
  };
}

function credentialProblem({ ipc }: ExecutiveConfig): readonly string[] {
  if (!namesPeople(ipc)) return [];
  const { missing } = loadPeerCredentials();
  return missing === undefined
    ? []
    : [`ipc.allow and ipc.access need to know who connects, but ${missing}: install koffi`];
}
