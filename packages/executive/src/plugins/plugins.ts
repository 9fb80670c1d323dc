/**
 * The services of an executive that come from outside of this package: imported, checked, handed to the host, and
 * listed with what went wrong. One that cannot run is named in the log and in `aisctl services`; nothing else
 * suffers.
 */
import { checkDefinition, type ServiceHost, type ServiceInfo } from '@aisexec/service';
import { SERVICE_NAMES, type ServiceName } from '../config/config.ts';
import { PLUGIN_IMPORT_MS_MAX, SERVICES_MAX } from '../limits.ts';
import {
  type AnyService,
  importPlugin,
  PluginConfigError,
  reloadImportsToo,
} from './import-plugin.ts';
import { readStuckNote, removeStuckNote } from './stuck-note.ts';
import type { Watchdog } from './watchdog.ts';

/** A service as `aisctl services` shows it. */
export interface ListedService extends ServiceInfo {
  /** `built in`, or the module that it comes from. */
  readonly origin: string;
}

export interface PluginsOptions {
  /** Where relative paths and packages are looked for: beside the configuration. */
  readonly directory: string;
  /** A complaint about the plugin at `index` of the list `services`, with file and line. */
  readonly complaint: (path: readonly PropertyKey[], text: string) => string;
  /** A service that comes with the executive, as the configuration wants it. */
  readonly builtin: (name: ServiceName) => AnyService;
  readonly watchdog: Watchdog;
  readonly notePath: string;
  readonly log: (event: string, detail: Readonly<Record<string, unknown>>) => void;
}

/** What was asked to be loaded, and what came of it. */
interface Entry {
  readonly module: string;
  readonly config: unknown;
  /** Place in the configuration; undefined for one that was loaded by an operator. */
  readonly index: number | undefined;
  generation: number;
  /** The service's name, once it is known. */
  name: string | undefined;
  /** Why it does not run; empty when it does. */
  refused: string;
}

export class Plugins {
  readonly #options: PluginsOptions;
  readonly #entries: Entry[] = [];
  #host: ServiceHost | undefined;

  constructor(options: PluginsOptions) {
    this.#options = options;
  }

  /**
   * Imports what the configuration names, for the host's creation.
   * @param taken the services that are there already. @returns those that can run.
   */
  async prepare(
    configured: readonly {
      readonly module: string;
      readonly config: unknown;
      readonly index: number;
    }[],
    taken: readonly AnyService[],
  ): Promise<readonly AnyService[]> {
    const stuck = readStuckNote(this.#options.notePath);
    if (configured.length > 0) reloadImportsToo();
    for (const { id, name } of taken) this.#options.watchdog.name(id, name, false);
    const ready: AnyService[] = [];
    for (const { module, config, index } of configured) {
      const entry = this.#entry(module, config, index);
      if (stuck.includes(module)) {
        this.#refuse(entry, stuckText(module));
        continue;
      }
      const definition = await this.#import(entry);
      if (definition === undefined) continue;
      const problem = stuck.includes(definition.name)
        ? stuckText(definition.name)
        : checkDefinition(definition, [...taken, ...ready]);
      if (problem === undefined) {
        this.#options.watchdog.name(definition.id, definition.name, true);
        ready.push(definition);
      } else this.#refuse(entry, problem);
    }
    return ready;
  }

  attach(host: ServiceHost): void {
    this.#host = host;
  }

  /** @param what a service that comes with the executive, one that was loaded before, or a module. */
  async load(what: string, config: unknown): Promise<string | undefined> {
    const host = this.#host!;
    if (isBuiltin(what)) return host.load(this.#options.builtin(what));
    const known = this.#find(what);
    const isFull = this.#entries.length >= SERVICES_MAX;
    if (known === undefined && isFull) return `there are ${SERVICES_MAX} services already`;
    const entry = this.#entry(what, config, undefined, known);
    if (known !== undefined) entry.generation++;
    const definition = await this.#import(entry);
    const problem = definition === undefined ? entry.refused : host.load(definition);
    if (problem !== undefined || definition === undefined) {
      if (problem !== entry.refused) this.#refuse(entry, problem!);
      // What an operator tried once is no service of this executive.
      if (known === undefined) this.#drop(entry);
      return problem;
    }
    entry.refused = '';
    this.#options.watchdog.name(definition.id, definition.name, true);
    removeStuckNote(this.#options.notePath);
    return undefined;
  }

  unload(name: string): string | undefined {
    const problem = this.#host!.unload(name);
    const entry = this.#entries.find((one) => one.name === name);
    if (problem === undefined && entry !== undefined) entry.refused = 'unloaded';
    return problem;
  }

  async reload(name: string): Promise<string | undefined> {
    const entry = this.#find(name);
    if (entry === undefined) {
      return isBuiltin(name)
        ? `'${name}' comes with the executive: its code changes with aisexec`
        : `no service '${name}' was loaded from a module`;
    }
    if (entry.refused !== '') return this.load(name, entry.config);
    entry.generation++;
    try {
      const definition = await this.#make(entry);
      if (definition.name !== entry.name) {
        return `the module has service '${definition.name}' now: unload and load it`;
      }
      return this.#host!.reload(definition);
    } catch (error) {
      return this.#reason(entry, error);
    }
  }

  /** All services, those that could not be loaded included. */
  list(): readonly ListedService[] {
    const running = (this.#host?.services ?? []).map((service) => ({
      ...service,
      origin: this.#entries.find(({ name }) => name === service.name)?.module ?? 'built in',
    }));
    const names = new Set(running.map(({ name }) => name));
    const refused = this.#entries
      .filter(({ refused, name }) => refused !== '' && (name === undefined || !names.has(name)))
      .map(({ module, name, refused }) => ({
        ...{ id: 0, name: name ?? module, version: '', nodes: [], origin: module },
        state: 'failed' as const,
        reason: refused,
        speaks: null,
      }));
    return [...running, ...refused];
  }

  #entry(module: string, config: unknown, index: number | undefined, known?: Entry): Entry {
    if (known !== undefined) return known;
    const entry: Entry = { module, config, index, generation: 0, name: undefined, refused: '' };
    this.#entries.push(entry);
    this.#options.watchdog.watch();
    return entry;
  }

  #drop(entry: Entry): void {
    this.#entries.splice(this.#entries.indexOf(entry), 1);
  }

  #find(what: string): Entry | undefined {
    return this.#entries.find(({ name, module }) => name === what || module === what);
  }

  async #make(entry: Entry): Promise<AnyService> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const text = `the module was not imported within ${PLUGIN_IMPORT_MS_MAX} ms`;
      timer = setTimeout(() => reject(new Error(text)), PLUGIN_IMPORT_MS_MAX);
    });
    const { directory, watchdog } = this.#options;
    if (entry.generation > 0) reloadImportsToo();
    watchdog.importing(entry.module);
    const importing = importPlugin({ ...entry, directory });
    return Promise.race([importing, late]).finally(() => {
      clearTimeout(timer);
      watchdog.importing(undefined);
    });
  }

  async #import(entry: Entry): Promise<AnyService | undefined> {
    try {
      const definition = await this.#make(entry);
      entry.name = typeof definition?.name === 'string' ? definition.name : undefined;
      entry.refused = '';
      return definition;
    } catch (error) {
      this.#refuse(entry, this.#reason(entry, error));
      return undefined;
    }
  }

  #reason({ index }: Entry, error: unknown): string {
    if (error instanceof PluginConfigError) {
      const key = error.path.map(String).join('.');
      if (index === undefined) return `config${key === '' ? '' : `.${key}`}: ${error.message}`;
      return this.#options.complaint(['services', index, 'config', ...error.path], error.message);
    }
    return error instanceof Error ? error.message : String(error);
  }

  #refuse(entry: Entry, reason: string): void {
    entry.refused = reason;
    this.#options.log('service-refused', { module: entry.module, reason });
  }
}

function isBuiltin(name: string): name is ServiceName {
  return (SERVICE_NAMES as readonly string[]).includes(name);
}

function stuckText(what: string): string {
  return `did not give the thread back in an earlier run; try again with: aisctl services load ${what}`;
}
