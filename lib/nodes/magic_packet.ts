const REPEAT_COUNT = 16;

/**
 * What a network card that sleeps listens for: 6 bytes of 255, then its hardware address 16 times; 102 bytes.
 *
 * @param mac `aa:bb:cc:dd:ee:ff`, as `parseMac()` returns it.
 * @see AMD, Magic Packet Technology, publication 20213
 */
export function magicPacket(mac: string): Uint8Array<ArrayBuffer> {
  const address = mac.split(":").map((byte) => parseInt(byte, 16));
  return Uint8Array.from([...Array(6).fill(0xff), ...Array(REPEAT_COUNT).fill(address).flat()]);
}
