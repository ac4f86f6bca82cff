/** How wide an element is, also after the page was resized. */

import { useLayoutEffect, useRef, useState } from "../preact.js";

/**
 * A reference for the element, and its width in pixels; 0 until it is in the page.
 *
 * @returns {[{current: any}, number]}
 */
export function useWidth() {
  const element = useRef(/** @type {HTMLElement | null} */ (null));
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const host = /** @type {HTMLElement} */ (element.current);
    const measure = () => setWidth(host.clientWidth);
    const resizing = new ResizeObserver(measure);
    resizing.observe(host);
    measure();
    return () => resizing.disconnect();
  }, []);
  return [element, width];
}
