import {Notification, Portal} from "@mantine/core";
import {createContext, use, useCallback, useMemo, useState, type ReactNode} from "react";
import {Problem} from "../api/client";

interface Notice {
  id: number;
  tone: "good" | "bad";
  title: string;
  detail?: string;
}

interface Notices {
  good(title: string): void;
  problem(error: unknown): void;
}

const Context = createContext<Notices>({good: () => {}, problem: () => {}});

export const useNotice = () => use(Context);

/** Short words after an act, in a corner; a refusal stays until it is closed. */
export function NoticeProvider({children}: {children: ReactNode}) {
  const [shown, setShown] = useState<Notice[]>([]);
  const close = useCallback(
    (id: number) => setShown((all) => all.filter((each) => each.id !== id)),
    [],
  );
  const notices = useMemo<Notices>(() => {
    let last = 0;
    const add = (notice: Omit<Notice, "id">) => {
      const id = ++last;
      setShown((all) => [...all.slice(-2), {...notice, id}]);
      if (notice.tone === "good") window.setTimeout(() => close(id), 5_000);
    };
    return {
      good: (title) => add({tone: "good", title}),
      problem: (error) =>
        add({
          tone: "bad",
          title: error instanceof Error ? error.message : String(error),
          detail: error instanceof Problem ? error.nextAction : undefined,
        }),
    };
  }, [close]);
  return (
    <Context value={notices}>
      {children}
      <Portal>
        <div className="notices" role="status" aria-live="polite">
          {shown.map((notice) => (
            <Notification
              key={notice.id}
              color={notice.tone === "good" ? "hop" : "red"}
              title={notice.title}
              onClose={() => close(notice.id)}
              closeButtonProps={{"aria-label": "Close"}}
              withBorder
            >
              {notice.detail}
            </Notification>
          ))}
        </div>
      </Portal>
    </Context>
  );
}
