/**
 * Whether a path is on a mount that nobody may write to.
 *
 * @param mountInfo Text of `/proc/self/mountinfo`.
 * @param path Absolute, without links.
 * @see proc_pid_mountinfo(5): mount point and options are the fifth and sixth word; of mounts at one place the last counts
 */
export function isReadOnly(mountInfo: string, path: string): boolean {
  const mounts = mountInfo.split("\n").flatMap((line) => {
    const words = line.split(" ");
    const [point, options] = [words[4], words[5]];
    if (point === undefined || options === undefined) return [];
    const directory = point.replaceAll(
      /\\(\d{3})/g,
      (_all, octal) => String.fromCharCode(parseInt(octal, 8)),
    );
    const isAbove = directory === "/" || path === directory || path.startsWith(`${directory}/`);
    return isAbove ? [{ directory, isSealed: [options, words.at(-1)!].some(hasReadOnly) }] : [];
  });
  const nearest = mounts.reduce(
    (best, mount) => mount.directory.length >= best.directory.length ? mount : best,
    { directory: "", isSealed: false },
  );
  return nearest.isSealed;
}

function hasReadOnly(options: string): boolean {
  return options.split(",").includes("ro");
}
