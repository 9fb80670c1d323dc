/**
 * What is known of one link of one peer, and when it counts as up. Pure bookkeeping over the outcomes of its
 * probes: a link goes when its probes are not answered or too many are lost, and comes back when it has
 * answered for a hold that doubles with every fall, so that a flapping link is used less and less.
 */
import {
  HOLD_LOST_PENALTY,
  HOLD_PROBES_MAX,
  HOLD_PROBES_MIN,
  LOSS_WINDOW_PROBES,
  LOSSY_PROBES,
  SILENT_PROBES,
} from './limits.ts';

export interface Watch {
  readonly state: 'new' | 'up' | 'down';
  /** None of the last SILENT_PROBES probes was answered. */
  readonly isSilent: boolean;
  readonly downs: number;
  /** Answered probes it owes before it is up again; 0 when it is not down. */
  readonly owes: number;
  /**
   * Once per probe, before the next is sent.
   * @param isAway all links of the peer are silent: nothing is learnt about this one. @param hasUp the peer
   * has a link that is up. @returns the reason for a change, or undefined.
   */
  judge(isAway: boolean, hasUp: boolean): 'silent' | 'peer-silent' | 'lossy' | 'stable' | undefined;
  /** The next probe is sent. @param isForgiven those before it count as answered. */
  asked(isForgiven: boolean): void;
  /** The probe `age` probes ago was answered. @returns whether the link is up by it; undefined: too late. */
  answered(age: number): boolean | undefined;
}

/** Bit k of `outcomes`: the probe k probes ago was answered. Those not sent yet count as answered. */
const ALL = 0xffff_ffff;
const SILENT_MASK = (1 << SILENT_PROBES) - 1;
/** Younger ones may still be answered. */
const LOSS_WINDOW = ((1 << LOSS_WINDOW_PROBES) - 1) << SILENT_PROBES;
const DECIDED = 1 << SILENT_PROBES;
const OUTCOMES = 32;

export function createWatch(): Watch {
  let state: Watch['state'] = 'new';
  let outcomes = ALL;
  let hold = 0;
  let held = 0;
  let upProbes = 0;
  let downs = 0;

  const isSilent = (): boolean => (outcomes & SILENT_MASK) === 0;

  function fall(): void {
    const isForgiven = hold === 0 || upProbes >= HOLD_PROBES_MAX;
    hold = isForgiven ? HOLD_PROBES_MIN : Math.min(2 * hold, HOLD_PROBES_MAX);
    held = 0;
    downs++;
    state = 'down';
  }

  function rise(): void {
    state = 'up';
    upProbes = 0;
    // What was lost is forgotten, but not what is still open: silence that has begun goes on.
    outcomes |= ~SILENT_MASK;
  }

  function judgeUp(isAway: boolean): 'silent' | 'peer-silent' | 'lossy' | undefined {
    upProbes++;
    if (isAway) {
      // The node sleeps, is gone, or is cut off: no fault of this link, and it may come back at once.
      state = 'new';
      return 'peer-silent';
    }
    const isLossy = LOSS_WINDOW_PROBES - ones(outcomes & LOSS_WINDOW) >= LOSSY_PROBES;
    if (!isSilent() && !isLossy) return undefined;
    fall();
    return isSilent() ? 'silent' : 'lossy';
  }

  function judgeDown(): 'stable' | undefined {
    if ((outcomes & DECIDED) !== 0) held++;
    else held = Math.max(0, held - HOLD_LOST_PENALTY);
    if (isSilent()) held = 0;
    if (held < hold) return undefined;
    rise();
    return 'stable';
  }

  return {
    get state() {
      return state;
    },
    get isSilent() {
      return isSilent();
    },
    get downs() {
      return downs;
    },
    get owes() {
      return state === 'down' ? hold - held : 0;
    },
    judge(isAway, hasUp) {
      if (state === 'up') return judgeUp(isAway);
      if (state === 'down') return judgeDown();
      if (!hasUp || !isSilent()) return undefined;
      fall();
      return 'silent';
    },
    asked(isForgiven) {
      if (isForgiven) outcomes |= SILENT_MASK;
      outcomes <<= 1;
    },
    answered(age) {
      if (age >= OUTCOMES) return undefined;
      outcomes |= 1 << age;
      if (state !== 'new' || age >= SILENT_PROBES) return false;
      rise();
      return true;
    },
  };
}

/** Set bits of a 32-bit word. */
function ones(word: number): number {
  let pairs = word - ((word >>> 1) & 0x5555_5555);
  pairs = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((pairs + (pairs >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
