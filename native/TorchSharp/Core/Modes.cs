using System;
using static TorchSharp.Interop.Library;

namespace TorchSharp;

internal sealed class GradMode : IDisposable
{
    private readonly int before = ts_is_grad_enabled();

    internal GradMode(bool enabled) => ts_set_grad_enabled(enabled ? 1 : 0);

    public void Dispose() => ts_set_grad_enabled(before);
}

internal sealed class InferenceMode : IDisposable
{
    private IntPtr guard;

    internal InferenceMode(bool mode) => guard = ts_inference_mode_enter(mode ? 1 : 0);

    public void Dispose()
    {
        if (guard == IntPtr.Zero) return;
        ts_inference_mode_leave(guard);
        guard = IntPtr.Zero;
    }
}

public class AnomalyMode : IDisposable
{
    private readonly bool wasEnabled = IsEnabled;
    private readonly bool checkedNaN = ShouldCheckNaN;

    public AnomalyMode(bool enabled, bool check_nan = true) => ts_set_anomaly(enabled ? 1 : 0, check_nan ? 1 : 0);

    public static bool IsEnabled => ts_anomaly_enabled() != 0;

    public static bool ShouldCheckNaN => ts_anomaly_checks_nan() != 0;

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (disposing) ts_set_anomaly(wasEnabled ? 1 : 0, checkedNaN ? 1 : 0);
    }
}

public static partial class torch
{
    public static IDisposable no_grad() => new GradMode(false);

    public static IDisposable enable_grad(bool enabled = true) => new GradMode(enabled);

    public static IDisposable set_grad_enabled(bool mode = true) => new GradMode(mode);

    public static bool is_grad_enabled() => ts_is_grad_enabled() != 0;

    public static IDisposable inference_mode(bool mode = true) => new InferenceMode(mode);

    public static bool is_inference_mode_enabled() => ts_is_inference_mode() != 0;

    public static int get_num_threads() => ts_get_num_threads();

    public static void set_num_threads(int num) => Interop.Strict.CheckUncaught(ts_set_num_threads(num));

    public static int get_num_interop_threads() => ts_get_num_interop_threads();

    public static void set_num_interop_threads(int num) => Check(ts_set_num_interop_threads(num));

    /// <summary>Errors are thrown where they happen here, so there is never one left over.</summary>
    public static void CheckForErrors() { }

    public static bool cuda_is_available() => false;

    public static partial class cuda
    {
        public static bool is_available() => false;

        public static int device_count() => 0;
    }
}
