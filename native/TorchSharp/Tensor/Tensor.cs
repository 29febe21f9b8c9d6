using System;
using System.Threading;
using TorchSharp.Interop;
using static TorchSharp.Interop.Library;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A handle, its owner scope, and its end. What a tensor can do stands in the other files of this folder.</summary>
    public partial class Tensor : IDisposable
    {
        private static long totalCount;
        private static long peakCount;

        internal IntPtr handle;

        internal Tensor(IntPtr handle, bool register = true)
        {
            this.handle = handle;
            var count = Interlocked.Increment(ref totalCount);
            if (count > peakCount) peakCount = count;
            if (register) OwningDisposeScope = DisposeScopeManager.ThreadSingleton.Register(this);
        }

        ~Tensor() => Dispose(false);

        public static Tensor UnsafeCreateTensor(IntPtr handle) => new(handle);

        public static long TotalCount => Interlocked.Read(ref totalCount);

        public static long PeakCount => peakCount;

        internal DisposeScope OwningDisposeScope { get; set; }

        public IntPtr Handle
        {
            get
            {
                if (handle == IntPtr.Zero) ThrowInvalid();
                return handle;
            }
        }

        private static void ThrowInvalid() => throw new InvalidOperationException("Tensor invalid -- empty handle.");

        public bool IsInvalid => handle == IntPtr.Zero;

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            if (handle == IntPtr.Zero) return;
            DisposeScopeManager.ThreadSingleton.Disposing(this);
            OwningDisposeScope?.MarkAsDisposed(this);
            Interlocked.Decrement(ref totalCount);
            ts_release(handle);
            handle = IntPtr.Zero;
        }

        public IntPtr DecoupleFromNativeHandle()
        {
            GC.SuppressFinalize(this);
            var h = Handle;
            Interlocked.Decrement(ref totalCount);
            handle = IntPtr.Zero;
            return h;
        }

        /// <summary>A Parameter takes over the handle of the tensor that it is made from.</summary>
        internal IntPtr MoveHandle()
        {
            var h = handle;
            handle = IntPtr.Zero;
            return h;
        }

        public Tensor MoveToOuterDisposeScope()
        {
            OwningDisposeScope?.MoveToOuter(this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(Tensor other) => MoveToOtherDisposeScope(other.OwningDisposeScope);

        public Tensor MoveToOtherDisposeScope(DisposeScope other)
        {
            if (OwningDisposeScope is null && other is not null) other.Attach(this);
            else OwningDisposeScope?.MoveToOther(other, this);
            return this;
        }

        public Tensor DetachFromDisposeScope()
        {
            OwningDisposeScope?.Detach(this);
            return this;
        }

        [Obsolete("The method name misspells 'Detach.' Use 'DetachFromDisposeScope' instead.", false)]
        public Tensor DetatchFromDisposeScope() => DetachFromDisposeScope();

        public string name { get; set; }

        public override bool Equals(object obj) => obj is Tensor tensor && Equals(tensor);

        public bool Equals(Tensor target) => Native.CallScalar("equal", this, target).Bits != 0;

        public override int GetHashCode() => base.GetHashCode();

        /// <summary>An operator that changes this tensor.</summary>
        private Tensor InPlace(string name, params ReadOnlySpan<Arg> args)
        {
            Native.Run(name, args);
            return this;
        }
    }
}
