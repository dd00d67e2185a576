/** Starts what all test files share, once a run; returns what stops it. */
export default function setup(): void {}
