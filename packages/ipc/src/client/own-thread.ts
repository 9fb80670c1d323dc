import { readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { isMainThread } from 'node:worker_threads';

/**
 * Which thread of the process this is, unless it is the main one: it may end alone, and its connections are not cut
 * then but over (ADR 0165).
 */
export function ownThread(): { readonly thread?: number } {
  if (isMainThread) return {};
  try {
    return { thread: Number(basename(readlinkSync('/proc/thread-self'))) };
  } catch {
    return {};
  }
}
