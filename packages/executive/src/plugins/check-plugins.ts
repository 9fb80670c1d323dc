/** `aisexec --check` of the services from modules: imported and checked like at a start, and nothing of them is run. */
import type { ExecutiveConfig, ServiceName } from '../config/config.ts';
import { serviceOf } from '../services.ts';
import { Plugins, type PluginsOptions } from './plugins.ts';
import { stuckNotePath } from './stuck-note.ts';
import type { Watchdog } from './watchdog.ts';

/** Without an executive no service has the thread. */
const NOBODY: Watchdog = {
  begin() {},
  end() {},
  watch() {},
  importing() {},
  name() {},
  async stop() {},
};

/** @returns what is wrong with the modules that the configuration names, as `file:line:col: key: text`. */
export async function checkPlugins(
  config: ExecutiveConfig,
  where: Pick<PluginsOptions, 'directory' | 'complaint'>,
): Promise<readonly string[]> {
  const problems: string[] = [];
  // What is wrong in a section of the configuration says where already.
  const located = new Set<unknown>();
  const at = (module: unknown) => config.plugins.find((plugin) => plugin.module === module)?.index;
  const builtin = (name: ServiceName) => serviceOf(config, name);
  const plugins = new Plugins({
    builtin,
    directory: where.directory,
    watchdog: NOBODY,
    notePath: stuckNotePath(config.stateDir, config.node.id),
    complaint(path, text) {
      const complaint = where.complaint(path, text);
      located.add(complaint);
      return complaint;
    },
    log(_event, { module, reason }) {
      const text = `${module}: ${reason}`;
      const isLocated = located.has(reason);
      problems.push(isLocated ? `${reason}` : where.complaint(['services', at(module) ?? 0], text));
    },
  });
  await plugins.prepare(config.plugins, config.services.map(builtin));
  return problems;
}
