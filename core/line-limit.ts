/** One line in memory, as bytes, text and parsed, must fit a small heap: this is far above any prompt, and above the images that providers take. */
export const maxLineBytes = 32 * 1024 * 1024
