/** What pages are made of: Preact's hooks, and htm's templates in place of JSX. */

/** @type {typeof import("htm/preact")} */
const library = /** @type {any} */ (globalThis).htmPreact;

export const html = library.html;
export const render = library.render;
export const Component = library.Component;
export const useState = library.useState;
export const useEffect = library.useEffect;
export const useLayoutEffect = library.useLayoutEffect;
export const useMemo = library.useMemo;
export const useRef = library.useRef;
export const useCallback = library.useCallback;
export const useErrorBoundary = library.useErrorBoundary;
