// Where the programs of this directory run: executives on the built-in ring, or on real Corosync daemons, each in a network
// namespace of its own (root). Whatever happens, no process is left behind.
import { LocalCluster } from '@aisexec/executive/local-cluster';
import '../../tools/import-ts.mjs';

/**
 * Prepares a cluster; `cluster.startAll()` starts it.
 *
 * @param engine `totem` or `corosync`
 * @param options of LocalCluster
 * @param storm daemons will be stopped and links cut
 * @returns `lab`, undefined on the built-in ring, is what runs below; `stop` ends everything in good order
 */
export async function prepareCluster(engine, options, { storm = false } = {}) {
  process.env.AISEXEC_TEST_ENGINE = engine;
  const { layGround } = await import('../cluster/engine.fixture.ts');
  const ground = await layGround(options, { storm });
  const cluster = await LocalCluster.prepare(ground.options);
  process.on('exit', () => {
    for (const { pid } of cluster.nodes) if (pid !== undefined) process.kill(pid, 'SIGKILL');
    for (const node of ground.lab?.nodes ?? []) node.signal('SIGKILL');
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
  return {
    cluster,
    lab: ground.lab,
    async stop() {
      await cluster.stop();
      await ground.close();
    },
  };
}
