using System;
using static TorchSharp.Interop.Library;

namespace TorchSharp;

public static partial class torch
{
    public class Generator : IDisposable
    {
        private IntPtr handle;

        public Generator(ulong seed = 0, Device device = null)
            : this(ts_generator_new(seed))
        {
            this.device = device ?? CPU;
        }

        private Generator(IntPtr nativeHandle)
        {
            handle = nativeHandle;
            device = CPU;
        }

        ~Generator() => Dispose(false);

        public static Generator Default => new(ts_generator_default());

        public Device device { get; }

        public IntPtr Handle => handle;

        public Tensor get_state() => new(Check(ts_generator_get_state(handle)));

        public void set_state(Tensor value)
        {
            Interop.Strict.CheckUncaught(ts_generator_set_state(handle, value.Handle));
            GC.KeepAlive(value);
        }

        public Generator manual_seed(long seed)
        {
            Check(ts_generator_manual_seed(handle, (ulong)seed));
            return this;
        }

        public long seed() => (long)ts_generator_seed(handle);

        public long initial_seed() => (long)ts_generator_initial_seed(handle);

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            if (handle == IntPtr.Zero) return;
            ts_generator_release(handle);
            handle = IntPtr.Zero;
        }
    }

    public static Generator manual_seed(long seed) => Generator.Default.manual_seed(seed);

    public static long seed() => Generator.Default.seed();

    public static long initial_seed() => Generator.Default.initial_seed();

    public static Tensor get_rng_state() => Generator.Default.get_state();

    public static void set_rng_state(Tensor new_state) => Generator.Default.set_state(new_state);

    public static partial class random
    {
        public static Generator manual_seed(long seed) => torch.manual_seed(seed);

        public static long seed() => torch.seed();

        public static long initial_seed() => torch.initial_seed();

        public static Tensor get_rng_state() => torch.get_rng_state();

        public static void set_rng_state(Tensor new_state) => torch.set_rng_state(new_state);
    }
}
