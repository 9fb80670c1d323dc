/**
 * Named timers as deadlines with one timer of the platform behind them. A ring restarts its timers with
 * every token; here that is an assignment, and the one timer finds out when it wakes.
 *
 * When it wakes with something due it first lets the event loop poll: after a pause of the process the
 * packets that explain the silence lie in the socket, and Node would run timers before it reads them.
 */
export interface Timers<Name extends string> {
  set(name: Name, delayMs: number): void;
  cancel(name: Name): void;
  /** Ends all of them for good. */
  stop(): void;
}

export interface TimersOptions<Name extends string> {
  /** A timer that is due and was not restarted meanwhile. */
  readonly fire: (name: Name, now: number) => void;
  /** Milliseconds of the monotonic clock that `fire` gets. */
  readonly clock?: () => number;
}

export function createTimers<Name extends string>(options: TimersOptions<Name>): Timers<Name> {
  const { fire, clock = () => performance.now() } = options;
  const deadlines = new Map<Name, number>();
  let armedAt = Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let check: NodeJS.Immediate | undefined;
  let stopped = false;

  function arm(deadline: number, now: number): void {
    if (deadline >= armedAt || stopped) return;
    clearTimeout(timer);
    armedAt = deadline;
    timer = setTimeout(woken, Math.max(0, Math.ceil(deadline - now)));
  }

  function woken(): void {
    armedAt = Number.POSITIVE_INFINITY;
    const now = clock();
    if (earliest() > now) arm(earliest(), now);
    else check ??= setImmediate(fireDue);
  }

  function fireDue(): void {
    check = undefined;
    const now = clock();
    // In the order of their deadlines, as if each had its own timer.
    const due = [...deadlines].filter(([, at]) => at <= now).sort((a, b) => a[1] - b[1]);
    for (const [name, at] of due) {
      if (stopped || deadlines.get(name) !== at) continue;
      deadlines.delete(name);
      fire(name, now);
    }
    const next = earliest();
    if (next !== Number.POSITIVE_INFINITY) arm(next, clock());
  }

  function earliest(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const deadline of deadlines.values()) if (deadline < at) at = deadline;
    return at;
  }

  return {
    set(name, delayMs) {
      const now = clock();
      deadlines.set(name, now + delayMs);
      arm(now + delayMs, now);
    },
    cancel: (name) => void deadlines.delete(name),
    stop() {
      stopped = true;
      deadlines.clear();
      clearTimeout(timer);
      if (check !== undefined) clearImmediate(check);
    },
  };
}
