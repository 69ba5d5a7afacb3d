Vagrant.configure("2") do |config|
  config.vm.synced_folder ".", "/vagrant", disabled: true
  config.vm.provider :libvirt do |libvirt|
    libvirt.disk_bus = "virtio"
    libvirt.nic_model_type = "virtio"
    # The image is as small as its content; cloud-init gives the root file system the whole disk.
    libvirt.machine_virtual_size = $disk_gib
  end
end
