/**
 * Notices code that looks at clocks, draws random numbers or starts timers: these globals are replaced by
 * watched ones while it runs. The one file of the pure packages that touches them, in order to forbid them
 * (tools/tidy.mjs knows it).
 */

type World = Record<string, unknown>;

const FUNCTIONS: readonly (readonly [holder: string, name: string])[] = [
  ['Math', 'random'],
  ['performance', 'now'],
  ['process', 'hrtime'],
  ['process', 'uptime'],
  ['crypto', 'getRandomValues'],
  ['crypto', 'randomUUID'],
  ['', 'setTimeout'],
  ['', 'setInterval'],
  ['', 'setImmediate'],
  ['', 'queueMicrotask'],
];

/** Runs `run`. @param used called with the name of each thing it used. */
export function watchWorld<R>(run: () => R, used: (what: string) => void): R {
  const world = globalThis as unknown as World;
  const restore: (() => void)[] = [];
  for (const [holder, name] of FUNCTIONS) {
    const place = (holder === '' ? world : world[holder]) as World | undefined;
    const original = place?.[name];
    if (place === undefined || typeof original !== 'function') continue;
    const label = holder === '' ? name : `${holder}.${name}`;
    restore.push(
      replace(place, name, function (this: unknown, ...args: unknown[]) {
        used(label);
        return original.apply(this, args) as unknown;
      }),
    );
  }
  restore.push(replace(world, 'Date', watchedDate(used)));
  try {
    return run();
  } finally {
    for (const back of restore.reverse()) back();
  }
}

function watchedDate(used: (what: string) => void): DateConstructor {
  return new Proxy(Date, {
    apply(target, self, args) {
      used('Date()');
      return Reflect.apply(target, self, args) as string;
    },
    construct(target, args) {
      if (args.length === 0) used('new Date()');
      return Reflect.construct(target, args) as Date;
    },
    get(target, name) {
      if (name === 'now') used('Date.now');
      return Reflect.get(target, name) as unknown;
    },
  });
}

/** @returns puts the original back. */
function replace(place: World, name: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(place, name);
  Object.defineProperty(place, name, { value, configurable: true, writable: true });
  return () => {
    if (before === undefined) delete place[name];
    else Object.defineProperty(place, name, before);
  };
}
