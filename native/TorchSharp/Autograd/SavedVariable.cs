using System;
using static TorchSharp.Interop.Library;

namespace TorchSharp;

public static partial class torch
{
    public static partial class autograd
    {
        /// <summary>A tensor saved for backward, with libtorch's check that nobody has changed it since.</summary>
        internal sealed class SavedVariable : IDisposable
        {
            private IntPtr handle;

            /// <summary>A tensor that is disposed by now is saved as nothing, silently, as TorchSharp does it.</summary>
            internal SavedVariable(Tensor tensor, IntPtr node)
            {
                if (tensor is null || tensor.IsInvalid)
                {
                    GC.SuppressFinalize(this);
                    return;
                }
                handle = Check(ts_saved_new(tensor.Handle, node));
                GC.KeepAlive(tensor);
            }

            ~SavedVariable() => Release();

            internal Tensor Unpack(IntPtr node) => handle == IntPtr.Zero ? null : new Tensor(Check(ts_saved_unpack(handle, node)));

            public void Dispose()
            {
                Release();
                GC.SuppressFinalize(this);
            }

            private void Release()
            {
                if (handle == IntPtr.Zero) return;
                ts_saved_release(handle);
                handle = IntPtr.Zero;
            }
        }
    }
}
