/** The counters of `testing`, as the tests of the host ask for them. */
import { counterService } from '../testing/index.ts';

export const SERVICES = [counterService];
export const add = (name: string, amount = 1) => ({ name, amount });
