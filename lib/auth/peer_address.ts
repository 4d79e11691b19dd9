/** An address as the system tells it, an IPv4 address inside an IPv6 one written as what it is. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

/** Whether an address is one that only this machine has: `127.0.0.0/8` or `::1`. Names are none. */
export function isLoopbackAddress(address: string): boolean {
  const plain = plainAddress(address);
  return plain === "::1" || /^127(?:\.\d{1,3}){3}$/.test(plain);
}
