// The time of day in an IANA zone, as the pages write it: 14:05, or 14:05:09.
export function clock(instant, timeZone, withSeconds = false) {
  const parts = { timeZone, hour: "2-digit", minute: "2-digit", ...(withSeconds && { second: "2-digit" }) };
  return new Intl.DateTimeFormat("en-GB", parts).format(instant);
}
