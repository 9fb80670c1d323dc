import { deadlineOf } from '@aisexec/ipc';
import { describe, expect, test } from '@jest/globals';
import { PublishWindow } from './publish-window.ts';

const never = deadlineOf({}, 'test');

describe('the window of publishes', () => {
  test('lets in as many as fit, then the waiting ones in their order', async () => {
    const window = new PublishWindow(2, 10);
    const order: number[] = [];
    expect([window.tryEnter(), window.tryEnter(), window.tryEnter()]).toEqual([true, true, false]);
    const waiting = [1, 2, 3].map((n) => window.enter(never).then(() => order.push(n)));
    window.leave();
    // Nobody overtakes those who wait.
    expect(window.tryEnter()).toBe(false);
    window.leave();
    await Promise.all(waiting.slice(0, 2));
    expect(order).toEqual([1, 2]);
    window.leave();
    await waiting[2];
    expect(order).toEqual([1, 2, 3]);
    window.leave();
    window.leave();
    expect(window.tryEnter()).toBe(true);
  });

  test('one that gives up leaves no hole, neither while it waits nor as its turn comes', async () => {
    const window = new PublishWindow(1, 10);
    window.tryEnter();
    const [first, second] = [new AbortController(), new AbortController()];
    const gone = window.enter(deadlineOf({ signal: first.signal }, 'test'));
    const late = window.enter(deadlineOf({ signal: second.signal }, 'test'));
    const last = window.enter(never);
    first.abort();
    await expect(gone).rejects.toMatchObject({ name: 'AbortError' });
    second.abort();
    window.leave();
    await expect(late).rejects.toMatchObject({ name: 'AbortError' });
    await last;
    window.leave();
    expect(window.tryEnter()).toBe(true);
  });

  test('refuses when too many wait', async () => {
    const window = new PublishWindow(1, 1);
    window.tryEnter();
    const waiting = window.enter(never);
    await expect(window.enter(never)).rejects.toMatchObject({ code: 6 });
    window.leave();
    await waiting;
  });
});
