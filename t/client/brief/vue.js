'use strict';

/*
 * The Vue 3 composable, as users have it: types taken away, imports made
 * parameters.
 */


module.exports = ({ Vue, io }) => {
    const { ref, onMounted, onUnmounted } = Vue;

    // useRealtime.ts - Vue 3 Composable
    return function useRealtime(url, token) {
        const socket = ref(null);
        const connected = ref(false);
        const authenticated = ref(false);
        const error = ref(null);

        onMounted(() => {
            socket.value = io(url, {
                auth: { token }
            });

            socket.value.on('connect', () => {
                connected.value = true;
                error.value = null;
            });

            socket.value.on('disconnect', () => {
                connected.value = false;
                authenticated.value = false;
            });

            socket.value.on('authenticated', () => {
                authenticated.value = true;
            });

            socket.value.on('error', (err) => {
                error.value = err.message;
            });
        });

        onUnmounted(() => {
            socket.value?.disconnect();
        });

        const emit = (event, data) => {
            socket.value?.emit(event, data);
        };

        const on = (event, handler) => {
            socket.value?.on(event, handler);
        };

        const off = (event, handler) => {
            socket.value?.off(event, handler);
        };

        return {
            socket,
            connected,
            authenticated,
            error,
            emit,
            on,
            off
        };
    };
};
