/** How full a queue is: Corosync's four levels with gaps between them (totem-wire §2). */

export const QUEUE_LEVELS = ['low', 'good', 'high', 'critical'] as const;
export type QueueLevel = (typeof QUEUE_LEVELS)[number];

/** The level after a change; in the gaps between two levels the former one stays. */
export function queueLevel(former: QueueLevel, used: number, capacity: number): QueueLevel {
  const percent = (used * 100) / capacity;
  if (percent >= 75) return 'critical';
  if (percent < 30) return 'low';
  if (percent >= 40 && percent <= 50) return 'good';
  if (percent >= 60 && percent <= 70) return 'high';
  return former;
}

/** Whether those who were refused may try again: below this the largest message fits. */
export function hasRoomAgain(used: number, capacity: number): boolean {
  return used * 100 <= capacity * 70;
}
