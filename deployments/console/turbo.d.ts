// What our scripts use of Turbo, which comes without types.
export const config: { drive: { progressBarDelay: number } };
export const StreamActions: Record<string, (this: TurboStream) => void>;
export function morphElements(current: Element, fresh: Element): void;
export function renderStreamMessage(message: string): void;
export function visit(location: string, options?: { action?: "advance" | "replace" }): void;

interface TurboStream extends HTMLElement {
  readonly target: string | null;
  readonly templateContent: DocumentFragment;
}
