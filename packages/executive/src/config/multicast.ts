/** The multicast group of the transport `udp`, as Corosync derives it from the cluster's name (totem-wire §1.9). */

/** @param text an address in the kernel's spelling. */
export function isMulticast(text: string): boolean {
  const first = Number(text.split('.', 1)[0]);
  return text.includes(':') ? /^ff/i.test(text) : first >= 224 && first <= 239;
}

export function multicastGroup(clusterName: string, family: 'inet' | 'inet6'): string {
  let hash = 0;
  for (const byte of new TextEncoder().encode(clusterName)) hash = (2 * hash + byte) & 0xffff;
  if (family === 'inet6') return `ff15::${hash.toString(16)}`;
  return `239.192.${hash >> 8}.${hash % 255}`;
}
