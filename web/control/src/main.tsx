import "@mantine/core/styles.css";
import "virtual:theme.css";
import "./look/app.css";
import {MantineProvider, localStorageColorSchemeManager} from "@mantine/core";
import {QueryClientProvider} from "@tanstack/react-query";
import {StrictMode} from "react";
import {createRoot} from "react-dom/client";
import {client} from "./api/queries";
import {theme} from "./look/theme";
import {NoticeProvider} from "./parts/notices";
import {Routes} from "./views/routes";

const scheme = localStorageColorSchemeManager({key: "hopyard-scheme"});

createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      colorSchemeManager={scheme}
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <QueryClientProvider client={client}>
        <NoticeProvider>
          <Routes />
        </NoticeProvider>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
